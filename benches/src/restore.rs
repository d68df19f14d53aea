//! A restore, beside a plain parallel create of the same objects.

use std::time::Instant;

use bastion_tests::Context as _;

use crate::{
    Options, Result,
    cluster::{self, Stage},
    results::{Results, Row},
    synthetic::NAMESPACES,
};

/// How many creates at the same time are tried.
const AT_A_TIME: [usize; 5] = [4, 8, 16, 32, 64];

/// Measures at one size.
pub fn run(options: &Options, results: &mut Results) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(if options.quick { 1_000 } else { 10_000 }, results))
}

#[allow(clippy::cast_precision_loss)]
async fn measure(objects: u64, results: &mut Results) -> Result<()> {
    let stage = Stage::new(objects).await?;
    let bastion = stage.in_folder("restore").await?;
    cluster::timed(&bastion, &["backup", "--kinds", &cluster::selection(), "--no-tree"]).await?;
    let (mut best, mut way) = (0.0_f64, 0);
    for at_a_time in AT_A_TIME {
        empty(&stage).await?;
        let started = Instant::now();
        stage.create(0..objects, at_a_time).await?;
        let rate = objects as f64 / started.elapsed().as_secs_f64();
        results.add(Row::new(format!("restore.{objects}.create-{at_a_time:02}"), rate, "objects/s"));
        if rate > best {
            (best, way) = (rate, at_a_time);
        }
    }
    empty(&stage).await?;
    let before = stage.apiserver_cpu();
    let run = cluster::timed(&bastion, &["restore", "-A", "--yes"]).await?;
    let rate = objects as f64 / run.seconds;
    let beside = format!("best plain create, {way} at a time");
    results.add(Row::new(format!("restore.{objects}.rate"), rate, "objects/s").beside(&beside, best, rate / best));
    let cpu = run.usage.cpu.as_secs_f64() * 1e6 / objects as f64;
    results.add(Row::new(format!("restore.{objects}.cpu-per-object"), cpu, "µs"));
    let cpu = stage.apiserver_cpu().saturating_sub(before).as_secs_f64();
    results.add(Row::new(format!("restore.{objects}.apiserver-cpu"), cpu, "CPU s"));
    results.add(Row::new(format!("restore.{objects}.peak"), run.usage.peak as f64 / f64::from(1 << 20), "MiB"));
    crate::say(&format!("restore {rate:.0} objects/s, {beside} {best:.0}"));
    Ok(())
}

/// Deletes every object.
async fn empty(stage: &Stage) -> Result<()> {
    let kinds: Vec<_> = cluster::kinds().collect();
    let paths = kinds.iter().flat_map(|kind| (0..NAMESPACES).map(|n| kind.path(Some(&format!("team-{n:02}")))));
    let deletions = paths.map(|path| async move { Ok(stage.api.delete(&path).await.map(drop).context("delete")?) });
    cluster::each(deletions, 8).await
}
