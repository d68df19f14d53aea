//! One size, measured from inside.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bastion_core::{
    engine::{Engine, EngineOptions},
    pipeline::Stats,
    prelude::*,
    source::{KindChange, Observation, Source},
};
use bastion_storage::StoreOptions;
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    process::Usage,
    synthetic::{self, Revision, Synthetic, View},
};

/// How many events of each sort are measured.
const EVENTS: u64 = 20_000;
/// The allocator gives pages back after this long.
const SETTLED: Duration = Duration::from_secs(11);

/// What was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Grown {
    /// How many objects there were.
    pub objects: u64,
    /// CPU time to make an object, which the figures below include; µs.
    pub making_us: f64,
    /// Time of the first backup; µs an object.
    pub cold_us: f64,
    /// CPU time of the first backup; µs an object.
    pub cold_cpu_us: f64,
    /// CPU time of an event that changes nothing; µs.
    pub unchanged_cpu_us: f64,
    /// CPU time of an event that changes the content; µs.
    pub changed_cpu_us: f64,
    /// The most resident memory after the first backup; bytes.
    pub peak_cold: u64,
    /// The most resident memory of all; bytes.
    pub peak: u64,
    /// Resident memory when nothing more happens; bytes.
    pub steady: u64,
    /// Time to open the repository for writing again; ms.
    pub open_ms: f64,
}

/// Measures, and prints what it measured.
pub fn run(objects: u64, folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let grown = runtime.block_on(measure(objects, folder))?;
    serde_json::to_writer(std::io::stdout(), &grown)?;
    Ok(())
}

#[allow(clippy::cast_precision_loss)]
async fn measure(objects: u64, folder: &Path) -> Result<Grown> {
    let cluster = Arc::new(Synthetic::new(objects));
    let making_us = making(objects).await;
    let url = folder.join("repository").display().to_string();
    let store = bastion_storage::open(&url, &StoreOptions::default().create_folder(true)).await?;
    let repository = Repository::init(store, InitOptions::default()).await?;
    let writer = repository.writer("synthetic", WriterOptions::new("synthetic", "watch")).await?;
    let engine = Engine::new(Arc::new(View(cluster.clone())), writer, EngineOptions::default());
    let (stats, cancel) = (engine.stats(), CancellationToken::new());
    let (started, before) = (Instant::now(), Usage::of(None));
    let running = tokio::spawn(engine.run(cancel.clone()));
    until(&stats, |events, _, _| events >= objects).await;
    let cold = (started.elapsed(), Usage::of(None));
    tokio::time::sleep(SETTLED).await;
    let steady = Usage::of(None).resident;

    // Two sorts of events, to objects all over the cluster.
    let mut at = 2 * objects;
    let mut cost = [0.0; 2];
    for (sort, cost) in cost.iter_mut().enumerate() {
        let (before, seen) = (Usage::of(None).cpu, count(&stats).0);
        for n in 0..EVENTS {
            at += 1;
            let object = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % objects;
            // In the second round every state of an object is another.
            let content = if sort == 1 { at } else { 0 };
            cluster.push(object, at, Revision { content, status: at });
            if n % 64 == 63 {
                until(&stats, |events, _, waiting| events + waiting > seen + n).await;
            }
        }
        until(&stats, |events, _, _| events >= seen + EVENTS).await;
        *cost = micros(Usage::of(None).cpu.saturating_sub(before)) / EVENTS as f64;
    }
    cancel.cancel();
    running.await??;
    let peak = Usage::of(None).peak;
    let started = Instant::now();
    drop(repository.writer("synthetic", WriterOptions::new("synthetic", "watch")).await?);
    Ok(Grown {
        objects,
        making_us,
        cold_us: micros(cold.0) / objects as f64,
        cold_cpu_us: micros(cold.1.cpu.saturating_sub(before.cpu)) / objects as f64,
        unchanged_cpu_us: cost[0],
        changed_cpu_us: cost[1],
        peak_cold: cold.1.peak,
        peak,
        steady,
        open_ms: micros(started.elapsed()) / 1000.0,
    })
}

/// CPU time of reading every object and forgetting it.
#[allow(clippy::cast_precision_loss)]
async fn making(objects: u64) -> f64 {
    let (view, before) = (View(Arc::new(Synthetic::new(objects))), Usage::of(None).cpu);
    let mut kinds = view.kinds();
    while let Some(KindChange::Added(kind)) = kinds.next().await {
        let mut objects = view.observe(&kind, None);
        while let Some(Ok(observation)) = objects.next().await {
            if matches!(observation, Observation::Complete { .. }) {
                break;
            }
            std::hint::black_box(observation);
        }
    }
    micros(Usage::of(None).cpu.saturating_sub(before)) / objects as f64
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Observations that are settled, records that are durable, observations that wait.
fn count(stats: &Stats) -> (u64, u64, u64) {
    stats.snapshot().kinds.values().fold((0, 0, 0), |(settled, committed, waiting), kind| {
        (
            settled + synthetic::settled(kind),
            committed + kind.committed,
            waiting + kind.queue_objects + kind.in_hashed + kind.in_changed + kind.in_backup,
        )
    })
}

async fn until(stats: &Stats, enough: impl Fn(u64, u64, u64) -> bool) {
    loop {
        let (settled, committed, waiting) = count(stats);
        if enough(settled, committed, waiting) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
