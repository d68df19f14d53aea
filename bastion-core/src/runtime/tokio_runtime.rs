use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use futures::future::BoxFuture;

use super::{Runtime, Task};
use crate::time::Timestamp;

/// The real runtime: tokio's tasks, timers and blocking threads, the system's clock and randomness.
#[derive(Debug)]
pub struct TokioRuntime {
    started: Instant,
    /// A hash that the system's randomness keys: of a counter it gives random numbers.
    random: RandomState,
    drawn: AtomicU64,
}

impl TokioRuntime {
    /// A runtime whose uptime starts now.
    pub fn new() -> Self {
        Self { started: Instant::now(), random: RandomState::new(), drawn: AtomicU64::new(0) }
    }
}

impl Default for TokioRuntime {
    fn default() -> Self {
        Self::new()
    }
}

impl Runtime for TokioRuntime {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, how_long: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(how_long))
    }

    fn random(&self) -> u64 {
        self.random.hash_one(self.drawn.fetch_add(1, Relaxed))
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) -> Task {
        tokio::spawn(task).into()
    }

    fn offload(&self, work: Box<dyn FnOnce() + Send + 'static>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            // The work catches its own panic (see `RuntimeExt::offloaded`); an error means shutdown.
            let _ = tokio::task::spawn_blocking(work).await;
        })
    }
}
