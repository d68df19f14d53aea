//! A restore, beside a plain parallel create of the same objects, and beside Velero.

use std::time::Instant;

use bastion_tests::{Context as _, S3Proxy};

use crate::{
    Options, Result,
    cluster::{self, Stage},
    process::mebibytes,
    results::{Results, Row},
    synthetic::NAMESPACES,
    velero::{Qps, Velero},
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
    let bastion = stage.in_bucket("restore", stage.minio.port()).await?;
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
    results.add(Row::new(format!("restore.{objects}.peak"), mebibytes(run.usage.peak), "MiB"));
    crate::say(&format!("restore {rate:.0} objects/s, {beside} {best:.0}"));
    velero(&stage, rate, results).await
}

/// The same by Velero, with each setting.
#[allow(clippy::cast_precision_loss)]
async fn velero(stage: &Stage, rate: f64, results: &mut Results) -> Result<()> {
    let objects = stage.objects.objects();
    let proxy = S3Proxy::start(stage.minio.port()).await?;
    for (qps, name) in [(Qps::Default, "velero"), (Qps::Thousand, "velero-1000")] {
        let mut velero = Velero::start(stage, &proxy, qps).await?;
        if qps == Qps::Default {
            velero.backup("whole").await?;
        }
        empty(stage).await?;
        let job = velero.restore(&format!("restore-{}", qps.name()), "whole").await?;
        let (peer, name) = (objects as f64 / job.seconds, format!("restore.{objects}.{name}"));
        let row = Row::new(name.clone(), rate, "objects/s");
        results.add(row.beside(&format!("Velero, {}", qps.words()), peer, rate / peer));
        job.rows(&name, results);
        crate::say(&format!("Velero, {}: {peer:.0} objects/s, {job:?}", qps.words()));
    }
    Ok(())
}

/// Deletes every object.
async fn empty(stage: &Stage) -> Result<()> {
    let kinds: Vec<_> = cluster::kinds().collect();
    let paths = kinds.iter().flat_map(|kind| (0..NAMESPACES).map(|n| kind.path(Some(&format!("team-{n:02}")))));
    let deletions = paths.map(|path| async move { Ok(stage.api.delete(&path).await.map(drop).context("delete")?) });
    cluster::each(deletions, 8).await
}
