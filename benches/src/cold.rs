//! The first backup of a real cluster, beside the fastest complete read of it.

use bastion_tests::S3Proxy;

use crate::{
    Options, Result,
    cluster::{self, Run, Stage},
    process::mebibytes,
    results::{Results, Row, median},
};

mod floor;

use floor::Way;

/// Measures at one or two sizes.
pub fn run(options: &Options, results: &mut Results) -> Result<()> {
    let sizes: &[u64] = match (options.quick, options.full) {
        (true, _) => &[1_000],
        (false, false) => &[10_000],
        (false, true) => &[10_000, 100_000],
    };
    let pairs = if options.quick { 1 } else { 5 };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    sizes.iter().try_for_each(|size| runtime.block_on(measure(*size, pairs, results)))
}

async fn measure(objects: u64, pairs: usize, results: &mut Results) -> Result<()> {
    let stage = Stage::new(objects).await?;
    for place in ["folder", "minio"] {
        // Once before the first measure: caches are warm on both sides then.
        pair(&stage, place, 0).await?;
        let mut all = Vec::new();
        for n in 1..=pairs {
            all.push(pair(&stage, place, n).await?);
        }
        rows(&format!("cold.{place}.{objects}"), objects, &all, results);
    }
    requests(&stage, objects, results).await
}

/// A floor and a backup, one right after the other.
#[derive(Debug)]
struct Pair {
    /// Seconds of each way to read, in the order of [`Way::ALL`].
    floors: Vec<f64>,
    backup: Run,
    apiserver_cpu: f64,
}

async fn pair(stage: &Stage, place: &str, n: usize) -> Result<Pair> {
    let mut floors = Vec::new();
    for way in Way::ALL {
        let (seconds, objects) = floor::read(&stage.kubeconfig()?, way).await?;
        if objects as u64 != stage.objects.objects() {
            return Err(format!("{way:?} showed {objects} objects").into());
        }
        floors.push(seconds);
    }
    let name = format!("{place}-{n}");
    let bastion = match place {
        "folder" => stage.in_folder(&name).await?,
        _ => stage.in_bucket(&name, stage.minio.port()).await?,
    };
    let before = stage.apiserver_cpu();
    let backup = cluster::timed(&bastion, &["backup", "--kinds", &cluster::selection(), "--no-tree"]).await?;
    let apiserver_cpu = stage.apiserver_cpu().saturating_sub(before).as_secs_f64();
    let pair = Pair { floors, backup, apiserver_cpu };
    crate::say(&format!("{name}: {pair:?}"));
    Ok(pair)
}

#[allow(clippy::cast_precision_loss)]
fn rows(name: &str, objects: u64, pairs: &[Pair], results: &mut Results) {
    let all = |of: &dyn Fn(&Pair) -> f64| pairs.iter().map(of).collect::<Vec<f64>>();
    let floor = |pair: &Pair| pair.floors.iter().copied().fold(f64::INFINITY, f64::min);
    let ratios = all(&|pair| pair.backup.seconds / floor(pair));
    let time = Row::of_runs(format!("{name}.time"), &all(&|pair| pair.backup.seconds), "s");
    results.add(time.beside("floor", median(&all(&floor)), median(&ratios)));
    results.add(Row::of_runs(format!("{name}.ratio"), &ratios, "× the floor"));
    for (n, way) in Way::ALL.iter().enumerate() {
        results.add(Row::of_runs(format!("{name}.floor.{}", way.name()), &all(&|pair| pair.floors[n]), "s"));
    }
    let count = objects as f64;
    let cpu = all(&|pair| pair.backup.usage.cpu.as_secs_f64() * 1e6 / count);
    results.add(Row::of_runs(format!("{name}.cpu-per-object"), &cpu, "µs"));
    results.add(Row::of_runs(format!("{name}.cpu"), &all(&|pair| pair.backup.usage.cpu.as_secs_f64()), "CPU s"));
    results.add(Row::of_runs(format!("{name}.apiserver-cpu"), &all(&|pair| pair.apiserver_cpu), "CPU s"));
    let peak = all(&|pair| mebibytes(pair.backup.usage.peak));
    results.add(Row::of_runs(format!("{name}.peak"), &peak, "MiB"));
    results.add(Row::of_runs(format!("{name}.rate"), &all(&|pair| count / pair.backup.seconds), "objects/s"));
}

/// What one backup asks of both servers, and what `tree/` adds; counted, not timed: a proxy stands between.
#[allow(clippy::cast_precision_loss)]
async fn requests(stage: &Stage, objects: u64, results: &mut Results) -> Result<()> {
    let proxy = S3Proxy::start(stage.minio.port()).await?;
    for (view, suffix) in [("--no-tree", ""), ("--tree", ".tree")] {
        let name = format!("cold.minio.{objects}{suffix}");
        let bastion = stage.in_bucket(&format!("counted{suffix}"), proxy.port()).await?;
        proxy.forget();
        let asked = stage.requests("bastion/")?.len();
        let run = cluster::timed(&bastion, &["backup", "--kinds", &cluster::selection(), view]).await?;
        let exchanges = proxy.exchanges();
        let sent: usize = exchanges.iter().map(|exchange| exchange.sent).sum();
        results.add(Row::new(format!("{name}.s3-requests"), exchanges.len() as f64, "requests"));
        results.add(Row::new(format!("{name}.s3-bytes"), sent as f64, "B"));
        let asked = stage.requests("bastion/")?.len() - asked;
        results.add(Row::new(format!("{name}.api-requests"), asked as f64, "requests"));
        results.add(Row::new(format!("{name}.through-a-proxy"), run.seconds, "s"));
    }
    Ok(())
}
