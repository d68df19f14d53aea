//! The headline: few of many objects changed, beside Velero's next backup and a writer of one file per object.

use std::time::Duration;

use super::bench::{Bench, CHANGED, QUIET, REPOSITORY};
use crate::{
    Result, cluster,
    log::{self, Watched},
    process::{Usage, mebibytes},
    results::{Results, Row, median},
    velero::{Job, Qps, Velero},
    watcher::Watcher,
};

mod per_object;

/// How often Bastion does it: eight restarts leave eight small index files, which are merged once.
const ROUNDS: u32 = 8;

/// What one warm restart took.
#[derive(Debug)]
struct Round {
    seconds: f64,
    usage: Usage,
    sent: usize,
    requests: usize,
    api_requests: usize,
}

/// Measures on a cluster whose every object is backed up, and which nobody watches now.
#[allow(clippy::cast_precision_loss)]
pub(crate) async fn measure(bench: &Bench<'_>, results: &mut Results) -> Result<()> {
    let mut rounds = Vec::new();
    for n in 0..ROUNDS {
        let round = round(bench, &format!("the headline, {n}")).await?;
        crate::say(&format!("{CHANGED} of {}: {round:?}", bench.objects));
        rounds.push(round);
    }
    let velero = velero(bench, results).await?;
    let all = |of: &dyn Fn(&Round) -> f64| rounds.iter().map(of).collect::<Vec<f64>>();
    let measures = [
        ("time", "s", all(&|round| round.seconds), best(&velero, |job| job.seconds)),
        ("bytes", "B", all(&|round| round.sent as f64), best(&velero, |job| job.sent as f64)),
        ("memory", "MiB", all(&|round| mebibytes(round.usage.peak)), best(&velero, |job| mebibytes(job.usage.peak))),
        ("cpu", "CPU s", all(&|round| round.usage.cpu.as_secs_f64()), best(&velero, |job| job.usage.cpu.as_secs_f64())),
        ("s3-requests", "requests", all(&|round| round.requests as f64), best(&velero, |job| job.s3_requests as f64)),
        (
            "api-requests",
            "requests",
            all(&|round| round.api_requests as f64),
            best(&velero, |job| job.api_requests as f64),
        ),
    ];
    let name = |what: &str| format!("headline.{}.{what}", bench.objects);
    for (what, unit, runs, (qps, peer)) in measures {
        let row = Row::of_runs(name(what), &runs, unit);
        let beside = format!("Velero's next backup, {}", qps.words());
        results.add(row.beside(&beside, peer, peer / median(&runs)));
    }
    // What a merge costs is in this one.
    let mean = rounds.iter().map(|round| round.sent as f64).sum::<f64>() / f64::from(ROUNDS);
    let (qps, peer) = best(&velero, |job| job.sent as f64);
    let beside = format!("Velero's next backup, {}", qps.words());
    results.add(Row::new(name("bytes.mean"), mean, "B").beside(&beside, peer, peer / mean));
    let plain = per_object::write(bench.stage).await?;
    let measures = [
        ("time", "s", plain.seconds, all(&|round| round.seconds)),
        ("s3-requests", "requests", plain.requests as f64, all(&|round| round.requests as f64)),
        ("bytes", "B", plain.sent as f64, all(&|round| round.sent as f64)),
    ];
    for (what, unit, value, ours) in measures {
        let row = Row::new(name(&format!("per-object.{what}")), value, unit);
        results.add(row.beside("Bastion", median(&ours), value / median(&ours)));
    }
    crate::say(&format!("one file per object: {plain:?}"));
    Ok(())
}

/// From the start of the process to its clean exit.
async fn round(bench: &Bench<'_>, word: &str) -> Result<Round> {
    bench.change(word).await?;
    let before = log::segments(bench.stage, REPOSITORY).await?.len();
    let storage = Watched::begin(&bench.proxy, Duration::ZERO);
    let place = bench.stage.cluster.audit_end()?;
    bench.proxy.forget();
    let mut watcher = Watcher::start(&bench.bastion)?;
    let started = watcher.started;
    watcher.until_quiet(&storage, QUIET).await?;
    watcher.until_saved(bench.stage, REPOSITORY, before + usize::try_from(CHANGED)?).await?;
    let durable = storage.durable(&log::segments(bench.stage, REPOSITORY).await?);
    let usage = watcher.used().await?;
    let exchanges = bench.proxy.exchanges();
    let (asked, _) = bench.stage.cluster.audit_from(place)?;
    Ok(Round {
        seconds: durable.map_or(f64::INFINITY, |durable| (durable - started).as_secs_f64()),
        usage,
        sent: exchanges.iter().map(|exchange| exchange.sent).sum(),
        requests: exchanges.len(),
        api_requests: cluster::answered(&asked, "bastion/"),
    })
}

/// Velero's first backup, and the next one, after as many changes, with each setting.
async fn velero(bench: &Bench<'_>, results: &mut Results) -> Result<Vec<(Qps, Job)>> {
    let mut next = Vec::new();
    for qps in Qps::ALL {
        let mut velero = Velero::start(bench.stage, &bench.proxy, qps).await?;
        if next.is_empty() {
            let job = velero.backup("first").await?;
            rows(bench, "velero-first", &job, results);
        }
        bench.change(&format!("Velero, {}", qps.words())).await?;
        let job = velero.backup(&format!("next-{}", qps.name())).await?;
        rows(bench, &format!("velero-next-{}", qps.name()), &job, results);
        next.push((qps, job));
    }
    Ok(next)
}

fn rows(bench: &Bench<'_>, what: &str, job: &Job, results: &mut Results) {
    let name = format!("headline.{}.{what}", bench.objects);
    results.add(Row::new(format!("{name}.time"), job.seconds, "s"));
    job.rows(&name, results);
    crate::say(&format!("{what}: {job:?}"));
}

/// The least of both settings.
fn best(jobs: &[(Qps, Job)], of: impl Fn(&Job) -> f64) -> (Qps, f64) {
    let all = jobs.iter().map(|(qps, job)| (*qps, of(job)));
    all.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((Qps::Default, f64::NAN))
}
