//! From a change that the API server has acknowledged to its record in the storage.

use std::time::{Duration, Instant};

use bastion_tests::{Context as _, S3Proxy, load};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    Options, Result,
    cluster::Stage,
    log::{self, Watched},
    results::{Results, Row, percentile},
    watcher::Watcher,
};

/// Silence after which everything is taken to be written; what is then not in the log is an error.
pub(crate) const QUIET: Duration = Duration::from_secs(3);
/// How many write at the same time when the server is driven as hard as it goes.
pub(crate) const WRITERS: usize = 16;

/// A change: its resourceVersion, and when the API server said yes.
pub(crate) type Change = (u64, Instant);

/// Measures at several rates, then with a slow storage, then what changes of the status cost.
pub fn run(options: &Options, results: &mut Results) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(if options.quick { 200 } else { 5_000 }, results))
}

#[allow(clippy::cast_precision_loss)]
async fn measure(objects: u64, results: &mut Results) -> Result<()> {
    let stage = Stage::new(objects).await?;
    let proxy = S3Proxy::start(stage.minio.port()).await?;
    let bastion = stage.in_bucket("latency", proxy.port()).await?;
    let mut watcher = Watcher::start(&bastion)?;
    watcher.until_saved(&stage, "latency", usize::try_from(objects)?).await?;
    let far = Duration::from_millis(50);
    let rounds = [
        ("1", objects.min(20), Some(1), Duration::ZERO),
        ("10", objects.min(200), Some(10), Duration::ZERO),
        ("100", objects.min(2_000), Some(100), Duration::ZERO),
        ("most", objects, None, Duration::ZERO),
        ("far", objects.min(500), Some(50), far),
    ];
    for (name, changes, rate, wait) in rounds {
        let storage = Watched::begin(&proxy, wait);
        proxy.forget();
        let started = Instant::now();
        let made = change(&stage, 0..changes, rate, name).await?;
        let took = started.elapsed().as_secs_f64();
        watcher.until_quiet(&storage, QUIET).await?;
        let requests = proxy.exchanges().len() as f64 / changes as f64;
        results.add(Row::new(format!("latency.{name}.requests"), requests, "requests of any sort a change"));
        let all = latencies(&stage, "latency", &made, &storage).await?;
        rows(&format!("latency.{name}"), &all, took, &storage, results);
    }
    status(&stage, &proxy, &mut watcher, results).await?;
    watcher.stop().await
}

/// Changes these objects, evenly at that rate, or as fast as the server goes.
pub(crate) async fn change(
    stage: &Stage,
    objects: impl IntoIterator<Item = u64>,
    rate: Option<u32>,
    word: &str,
) -> Result<Vec<Change>> {
    let start = Instant::now();
    let made = (0..).zip(objects).map(|(turn, n)| async move {
        if let Some(rate) = rate {
            tokio::time::sleep_until((start + Duration::from_secs(turn) / rate).into()).await;
        }
        let answer = stage.api.merge(&stage.path(n), &load::content_patch(word)).await.context("change")?;
        let at = Instant::now();
        let version = answer["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok());
        Ok((version.unwrap_or_default(), at))
    });
    let at_a_time = if rate.is_some() { usize::MAX } else { WRITERS };
    // In order, so that the next sleeps while this one is under way.
    let made = stream::iter(made).buffered(at_a_time.min(4 * WRITERS));
    Ok(made.try_collect().await.map_err(|e: bastion_tests::Error| e)?)
}

/// Milliseconds from the API server's answer to the storage's, for the segment that holds each change.
pub(crate) async fn latencies(stage: &Stage, repository: &str, made: &[Change], storage: &Watched) -> Result<Vec<f64>> {
    let segments = log::segments(stage, repository).await?;
    let found = made.iter().filter_map(|(version, at)| {
        let stored = storage.stored(*segments.get(version)?)?;
        Some(milliseconds(*at, stored))
    });
    let found: Vec<f64> = found.collect();
    if found.len() < made.len() {
        // At the most that the server gives, states of one object may be coalesced; here all are distinct.
        return Err(format!("{} of {} changes are not in the log", made.len() - found.len(), made.len()).into());
    }
    Ok(found)
}

/// Zero where the storage was quicker than the API server's answer.
pub(crate) fn milliseconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1000.0
}

#[allow(clippy::cast_precision_loss)]
fn rows(name: &str, all: &[f64], took: f64, storage: &Watched, results: &mut Results) {
    let p50 = percentile(all, 50.0);
    let request = percentile(&storage.requests(), 50.0);
    results.add(Row::new(format!("{name}.p50"), p50, "ms").beside("a request", request, p50 / request));
    results.add(Row::new(format!("{name}.p99"), percentile(all, 99.0), "ms"));
    results.add(Row::new(format!("{name}.rate"), all.len() as f64 / took, "changes/s"));
    results.add(Row::new(format!("{name}.writes"), storage.count() as f64 / all.len() as f64, "PUTs a change"));
    crate::say(&format!("{name}: p50 {p50:.1} ms, p99 {:.1} ms, a request {request:.1} ms", percentile(all, 99.0)));
}

/// Heartbeats in every object's status, then one change of content, so that it is known when all were seen.
#[allow(clippy::cast_precision_loss)]
async fn status(stage: &Stage, proxy: &S3Proxy, watcher: &mut Watcher, results: &mut Results) -> Result<()> {
    let before = log::segments(stage, "latency").await?.len();
    let storage = Watched::begin(proxy, Duration::ZERO);
    proxy.forget();
    let beats = 2 * stage.objects.objects();
    let made = (0..beats).map(|beat| async move {
        let path = format!("{}/status", stage.path(beat % stage.objects.objects()));
        stage.api.merge(&path, &load::status_patch(beat)).await.context("heartbeat")?;
        Ok(())
    });
    crate::cluster::each(made, WRITERS).await?;
    // One of each kind: every kind's events come in order.
    let markers = crate::synthetic::KINDS;
    change(stage, 0..markers, Some(10), "after the heartbeats").await?;
    watcher.until_quiet(&storage, QUIET).await?;
    let records = log::segments(stage, "latency").await?.len() - before;
    let records = records as f64 - markers as f64;
    let puts = proxy.exchanges().iter().filter(|e| e.method == "PUT").count();
    results.add(Row::new("status.updates", beats as f64, "updates"));
    results.add(Row::new("status.records", records, "records"));
    results.add(Row::new("status.requests", puts as f64, "PUTs, those of 5 changes of content among them"));
    Ok(())
}
