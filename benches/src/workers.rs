//! Under a flood of changes in one kind, how soon a change in another kind is durable.
//!
//! `bastion watch` as it is shipped follows five kinds. Sixteen writers patch objects of the first as fast as the
//! API server goes, while objects of the second are changed one after the other. Beside Bastion, at the same time,
//! a bare watcher in a process of its own follows that second kind alone and stores every event as it comes, in
//! the same S3 server through a proxy of the same make. Of both, the time from the patch's 2xx to the storage's 2xx
//! (Bastion: for the segment that holds this resourceVersion) is taken; the goal is on the ratio of the two 99th
//! percentiles of a round, the median of the rounds. The same without the flood stands beside it.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use bastion_tests::{Context as _, Process, S3Proxy, load};
use tokio_util::sync::CancellationToken;

use crate::{
    Options, Result,
    cluster::{self, Stage},
    latency::{QUIET, WRITERS, change, latencies, milliseconds},
    log::Watched,
    results::{Results, Row, median, percentile},
    synthetic::KINDS,
    watcher::Watcher,
};

mod bare;
mod pools;

pub use bare::run as bare_watcher;

const REPOSITORY: &str = "workers";
/// Changes of the calm kind in a second.
const RATE: u32 = 20;
/// For how long there is a flood before it counts.
const SETTLED: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_mins(1);

/// Measures pools in memory, then latency on a real cluster.
pub fn run(options: &Options, results: &mut Results) -> Result<()> {
    let (changes, rounds) = if options.quick { (60, 1) } else { (500, 3) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(pools::measure(results))?;
    runtime.block_on(measure(changes, rounds, results))
}

struct Bench {
    stage: Stage,
    ours: S3Proxy,
    bare: S3Proxy,
    watcher: Watcher,
    bare_watcher: Process,
    changes: u64,
}

/// Milliseconds of one round.
struct Round {
    ours: Vec<f64>,
    bare: Vec<f64>,
    /// Patches of the flooded kind in a second.
    flood: f64,
}

async fn measure(changes: u64, rounds: usize, results: &mut Results) -> Result<()> {
    let stage = Stage::new(changes * KINDS).await?;
    let (ours, bare) = (S3Proxy::start(stage.minio.port()).await?, S3Proxy::start(stage.minio.port()).await?);
    let bastion = stage.in_bucket(REPOSITORY, ours.port()).await?;
    let mut watcher = Watcher::start(&bastion)?;
    watcher.until_saved(&stage, REPOSITORY, usize::try_from(changes * KINDS)?).await?;
    let bare_watcher = bare::start(&stage, bare.port())?;
    let mut bench = Bench { stage, ours, bare, watcher, bare_watcher, changes };
    bench.until_both_watch().await?;
    let (mut calm, mut flood) = (Vec::new(), Vec::new());
    for n in 0..rounds {
        calm.push(bench.round(0, &format!("calm {n}")).await?);
        flood.push(bench.round(WRITERS, &format!("flood {n}")).await?);
    }
    rows("calm", &calm, results);
    rows("flood", &flood, results);
    let patches: Vec<f64> = flood.iter().map(|round| round.flood).collect();
    results.add(Row::of_runs("workers.flood.rate", &patches, "changes/s of the flooded kind"));
    bench.watcher.stop().await
}

impl Bench {
    async fn until_both_watch(&self) -> Result<()> {
        let (started, bare) = (Instant::now(), Watched::begin(&self.bare, Duration::ZERO));
        while bare.count() == 0 {
            change(&self.stage, [1], None, &format!("{:?}", started.elapsed())).await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
            if started.elapsed() > PATIENCE {
                return Err("the bare watcher sees nothing".into());
            }
        }
        Ok(())
    }

    async fn round(&mut self, writers: usize, word: &str) -> Result<Round> {
        let (ours, bare) = (Watched::begin(&self.ours, Duration::ZERO), Watched::begin(&self.bare, Duration::ZERO));
        let (stop, started) = (CancellationToken::new(), Instant::now());
        let calm = async {
            // Also where that fails the flood ends.
            let _stop = stop.clone().drop_guard();
            tokio::time::sleep(SETTLED).await;
            change(&self.stage, (0..self.changes).map(|n| n * KINDS + 1), Some(RATE), word).await
        };
        let (patches, made) = tokio::try_join!(self.flood(writers, word, &stop), calm)?;
        let flood = patches / started.elapsed().as_secs_f64();
        self.watcher.until_quiet(&ours, QUIET).await?;
        self.bare_watcher.check()?;
        let ours = latencies(&self.stage, REPOSITORY, &made, &ours).await?;
        let bare: Vec<f64> = made.iter().filter_map(|(n, at)| Some(milliseconds(*at, bare.stored(*n)?))).collect();
        if bare.len() < made.len() {
            return Err(format!("the bare watcher stored {} of {} changes", bare.len(), made.len()).into());
        }
        let (p99, bare_p99) = (percentile(&ours, 99.0), percentile(&bare, 99.0));
        crate::say(&format!("{word}: p99 {p99:.1} ms, bare {bare_p99:.1} ms, {flood:.0} changes/s beside it"));
        Ok(Round { ours, bare, flood })
    }

    /// Patches objects of the first kind until it is over; says how often.
    #[allow(clippy::cast_precision_loss)]
    async fn flood(&self, writers: usize, word: &str, stop: &CancellationToken) -> Result<f64> {
        let paths: Vec<String> = (0..self.changes).map(|n| self.stage.path(n * KINDS)).collect();
        let turn = AtomicU64::new(0);
        let writing = (0..writers).map(|_| async {
            while !stop.is_cancelled() {
                let n = turn.fetch_add(1, Relaxed);
                let path = &paths[usize::try_from(n % self.changes)?];
                self.stage.api.merge(path, &load::content_patch(&format!("{word} {n}"))).await.context("flood")?;
            }
            Ok(())
        });
        cluster::each(writing, usize::MAX).await?;
        Ok(turn.into_inner() as f64)
    }
}

fn rows(name: &str, rounds: &[Round], results: &mut Results) {
    for (percent, hundredths) in [("p50", 50.0), ("p99", 99.0)] {
        let of = |all: fn(&Round) -> &Vec<f64>| -> Vec<f64> {
            rounds.iter().map(|round| percentile(all(round), hundredths)).collect()
        };
        let (ours, bare) = (of(|r| &r.ours), of(|r| &r.bare));
        let ratios: Vec<f64> = ours.iter().zip(&bare).map(|(ours, bare)| ours / bare).collect();
        let row = Row::of_runs(format!("workers.{name}.{percent}"), &ours, "ms");
        results.add(row.beside("a bare watcher that stores", median(&bare), median(&ratios)));
        crate::say(&format!("{name} {percent}: {ours:.1?} ms, bare {bare:.1?} ms, ratios {ratios:.2?}"));
    }
}
