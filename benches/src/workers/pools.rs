//! Worker pools follow load: an engine on a cluster in memory, one kind of which is flooded.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bastion_core::{pipeline::Stats, prelude::*, store::MemoryStore};

use crate::{
    Result,
    results::{Results, Row},
    synthetic::{self, KINDS, Revision, Synthetic, View},
};

const OBJECTS: u64 = 5_000;
const EVENTS: u64 = 50_000;
/// A worker that has nothing to do for five seconds goes.
const CALM: Duration = Duration::from_secs(7);
const PATIENCE: Duration = Duration::from_mins(2);

/// Workers of the flooded kind, and the most of another.
type Pools = (u64, u64);

pub(super) async fn measure(results: &mut Results) -> Result<()> {
    let cluster = Arc::new(Synthetic::new(OBJECTS));
    let repository = Repository::init(Arc::new(MemoryStore::new()), InitOptions::default()).await?;
    let writer = repository.writer("synthetic", WriterOptions::new("synthetic", "watch")).await?;
    let engine = Engine::new(Arc::new(View(cluster.clone())), writer, EngineOptions::default());
    let (stats, cancel) = (engine.stats(), CancellationToken::new());
    let running = tokio::spawn(engine.run(cancel.clone()));
    most(&stats, OBJECTS).await?;
    tokio::time::sleep(CALM).await;
    let calm = workers(&stats);
    for n in 0..EVENTS {
        let at = 2 * OBJECTS + n;
        // Kind 0 alone.
        cluster.push(n * KINDS % OBJECTS, at, Revision { content: at, status: at });
    }
    let flood = most(&stats, OBJECTS + EVENTS).await?;
    tokio::time::sleep(CALM).await;
    let after = workers(&stats);
    cancel.cancel();
    running.await??;
    for (moment, (flooded, other)) in [("before", calm), ("during", flood), ("after", after)] {
        row(&format!("workers.{moment}.flooded"), flooded, results);
        row(&format!("workers.{moment}.other"), other, results);
    }
    crate::say(&format!("workers of the flooded and of another kind: {calm:?}, {flood:?} flooded, then {after:?}"));
    Ok(())
}

#[allow(clippy::cast_precision_loss)]
fn row(name: &str, workers: u64, results: &mut Results) {
    results.add(Row::new(name, workers as f64, "workers, at most"));
}

/// The most that there were until so many observations were settled.
async fn most(stats: &Stats, settled: u64) -> Result<Pools> {
    let (started, mut most) = (Instant::now(), (0, 0));
    loop {
        let now = workers(stats);
        most = (most.0.max(now.0), most.1.max(now.1));
        if stats.snapshot().kinds.values().map(synthetic::settled).sum::<u64>() >= settled {
            return Ok(most);
        }
        if started.elapsed() > PATIENCE {
            return Err("the engine does not settle".into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn workers(stats: &Stats) -> Pools {
    stats.snapshot().kinds.iter().fold((0, 0), |(flooded, other), (kind, now)| {
        if &*kind.kind == "Widget0" { (now.workers, other) } else { (flooded, other.max(now.workers)) }
    })
}
