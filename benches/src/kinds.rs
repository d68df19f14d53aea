//! Many kinds: what each costs that is watched, also where it has no objects.
//!
//! `bastion watch --all` on a real cluster, once with few kinds of custom resources, once with many, into a
//! folder. Ready is when the API server has begun to serve a watch of each of them, by its audit log.

use std::time::{Duration, Instant};

use bastion_tests::{Api, Bastion, Context as _, ControlPlane, ControlPlaneOptions, Resource, crds, load::Writer};

use crate::{
    Options, Result,
    cluster::each,
    process::{connections, mebibytes},
    results::{Results, Row},
    watcher::Watcher,
};

/// So many kinds have objects, and so many each.
const FILLED: usize = 10;
const OBJECTS: usize = 10;
/// How many CRDs are defined at the same time.
const DEFINING: usize = 8;
/// The allocator gives pages back after ten seconds.
const SETTLED: Duration = Duration::from_secs(11);

/// What one number of kinds took.
#[derive(Debug, Clone, Copy)]
struct Seen {
    kinds: f64,
    start: f64,
    restart: f64,
    cpu: f64,
    requests: f64,
    connections: f64,
    peak: f64,
    steady: f64,
}

/// Measures with few kinds and with many.
pub fn run(options: &Options, results: &mut Results) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(if options.quick { [10, 40] } else { [10, 300] }, results))
}

async fn measure(sizes: [usize; 2], results: &mut Results) -> Result<()> {
    let options = ControlPlaneOptions { name: "kinds".to_owned(), ..Default::default() };
    let cluster = ControlPlane::start_with(&options).await?;
    let api = cluster.api().await?;
    let mut before: Option<Seen> = None;
    for kinds in sizes {
        define(&api, before.map_or(0, |_| sizes[0])..kinds).await?;
        let seen = one(&cluster, kinds).await?;
        crate::say(&format!("{seen:.3?}"));
        rows(&seen, results);
        if let Some(few) = before {
            slopes(&few, &seen, results);
        }
        before = Some(seen);
    }
    Ok(())
}

fn kind(n: usize) -> Resource {
    Resource::new("kinds.bench.bastion.dev", "v1", &format!("Thing{n:03}"), &format!("thing{n:03}s"), true)
}

async fn define(api: &Api, numbers: std::ops::Range<usize>) -> Result<()> {
    let started = Instant::now();
    let (first, last) = (numbers.start, numbers.end);
    let defining = numbers.map(|n| async move {
        crds::define(api, &kind(n), "Namespaced").await?;
        if n < FILLED {
            let objects = Writer::new(1).objects(&kind(n), &["default"], "thing", OBJECTS);
            api.create_all(&kind(n), objects).await.context("create")?;
        }
        Ok(())
    });
    each(defining, DEFINING).await?;
    crate::say(&format!("kinds {first} to {last} defined in {:.1} s", started.elapsed().as_secs_f64()));
    Ok(())
}

#[allow(clippy::cast_precision_loss)]
async fn one(cluster: &ControlPlane, kinds: usize) -> Result<Seen> {
    let folder = tempfile::tempdir()?;
    let bastion = Bastion::new(&folder.path().join("repository").display().to_string(), &cluster.kubeconfig()?).await?;
    bastion.ok(&["init"]).await?;
    let place = cluster.audit_end()?;
    let (watcher, start) = started(cluster, &bastion, kinds).await?;
    tokio::time::sleep(SETTLED).await;
    let used = watcher.usage();
    let connections = connections(watcher.process.id(), cluster.apiserver_port());
    let mut requests = cluster.audit_from(place)?.0;
    requests.retain(|r| r.agent.starts_with("bastion/") && (r.verb != "watch" || r.stage == "ResponseStarted"));
    watcher.stop().await?;
    let (watcher, restart) = started(cluster, &bastion, kinds).await?;
    watcher.stop().await?;
    Ok(Seen {
        kinds: kinds as f64,
        start,
        restart,
        cpu: used.cpu.as_secs_f64(),
        requests: requests.len() as f64,
        connections: connections as f64,
        peak: mebibytes(used.peak),
        steady: mebibytes(used.resident),
    })
}

/// Starts to watch everything, and waits until all these kinds are watched.
async fn started(cluster: &ControlPlane, bastion: &Bastion, kinds: usize) -> Result<(Watcher, f64)> {
    let place = cluster.audit_end()?;
    let mut watcher = Watcher::start_with(bastion, &["--all"])?;
    watcher.until_watching(cluster, place, &kind(0).group, kinds).await?;
    let seconds = watcher.started.elapsed().as_secs_f64();
    Ok((watcher, seconds))
}

fn rows(seen: &Seen, results: &mut Results) {
    let mut row = |what: &str, value: f64, unit: &str| {
        results.add(Row::new(format!("kinds.{:03}.{what}", seen.kinds), value, unit));
    };
    row("start", seen.start, "s");
    row("restart", seen.restart, "s");
    row("cpu", seen.cpu, "CPU s");
    row("requests", seen.requests, "requests to the API server");
    row("connections", seen.connections, "connections to the API server");
    row("peak", seen.peak, "MiB");
    row("steady", seen.steady, "MiB");
}

fn slopes(few: &Seen, many: &Seen, results: &mut Results) {
    let mut row = |what: &str, more: f64, unit: &str| {
        results.add(Row::new(format!("kinds.each.{what}"), more / (many.kinds - few.kinds), unit));
    };
    row("start", 1000.0 * (many.start - few.start), "ms a kind");
    row("restart", 1000.0 * (many.restart - few.restart), "ms a kind");
    row("cpu", 1000.0 * (many.cpu - few.cpu), "CPU ms a kind");
    row("requests", many.requests - few.requests, "requests a kind");
    row("peak", 1024.0 * (many.peak - few.peak), "KiB a kind");
    row("steady", 1024.0 * (many.steady - few.steady), "KiB a kind");
}
