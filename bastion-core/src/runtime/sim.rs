use std::{sync::Mutex, time::Duration};

use futures::future::BoxFuture;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{Runtime, Task};
use crate::time::Timestamp;

/// A runtime that does the same thing for the same seed.
///
/// Run it inside a current-thread tokio runtime with paused time (`start_paused = true`): then time passes
/// only when every task waits, and two runs of one seed give one trace.
#[derive(Debug)]
pub struct SimRuntime {
    started: tokio::time::Instant,
    epoch: Timestamp,
    rng: Mutex<StdRng>,
}

impl SimRuntime {
    /// A runtime for this seed, its clock starting at 2026-01-01T00:00:00Z. Must be made inside tokio.
    pub fn new(seed: u64) -> Self {
        Self {
            started: tokio::time::Instant::now(),
            epoch: Timestamp::from_millis(1_767_225_600_000),
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
        }
    }
}

impl Runtime for SimRuntime {
    fn now(&self) -> Timestamp {
        self.epoch.plus(self.started.elapsed())
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, how_long: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(how_long))
    }

    fn random(&self) -> u64 {
        self.rng.lock().unwrap_or_else(std::sync::PoisonError::into_inner).random()
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) -> Task {
        tokio::spawn(task).into()
    }

    fn offload(&self, work: Box<dyn FnOnce() + Send + 'static>) -> BoxFuture<'static, ()> {
        Box::pin(async move { work() })
    }
}
