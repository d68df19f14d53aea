use std::time::{Duration, Instant};

use futures::future::BoxFuture;

use super::{Runtime, Task};
use crate::time::Timestamp;

/// The real runtime: tokio's tasks, timers and blocking threads, the system's clock and randomness.
#[derive(Debug)]
pub struct TokioRuntime {
    started: Instant,
}

impl TokioRuntime {
    /// A runtime whose uptime starts now.
    pub fn new() -> Self {
        Self { started: Instant::now() }
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
        rand::random()
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
