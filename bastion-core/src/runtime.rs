//! The one seam to the clock, to randomness, to tasks and to threads that may block. Everything that the engine
//! does goes through it, so that a run can be repeated from a seed.
//!
//! A repository brings the runtime that its writers, engines and restores work with: [`TokioRuntime`] unless
//! another was given.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use bastion_core::{prelude::*, runtime::{Runtime, RuntimeExt, TokioRuntime}, store::MemoryStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Arc::new(TokioRuntime::new());
//! let options = InitOptions::default().runtime(runtime.clone());
//! let repo = Repository::init(Arc::new(MemoryStore::new()), options).await?;
//!
//! repo.runtime().sleep(Duration::from_millis(1)).await;
//! assert!(runtime.uptime() >= Duration::from_millis(1));
//! assert_eq!(runtime.offloaded(|| 6 * 7).await, 42);
//! # Ok(())
//! # }
//! ```

use std::{fmt::Debug, sync::Arc, time::Duration};

use futures::future::BoxFuture;

use crate::time::Timestamp;

#[cfg(feature = "simulation")]
mod sim;
mod tokio_runtime;

#[cfg(feature = "simulation")]
pub use sim::SimRuntime;
pub use tokio_runtime::TokioRuntime;

/// Clock, randomness, tasks and blocking threads.
///
/// [`TokioRuntime`] is the real one. [`SimRuntime`] gives the same answers for the same seed: time passes
/// only when everything waits, and offloaded work runs in place.
pub trait Runtime: Debug + Send + Sync + 'static {
    /// Wall clock; may jump. For timestamps only, never for order.
    fn now(&self) -> Timestamp;
    /// Time since the runtime was made; never goes back. For timeouts and latencies.
    fn uptime(&self) -> Duration;
    /// Waits.
    fn sleep(&self, how_long: Duration) -> BoxFuture<'static, ()>;
    /// 64 random bits (jitter, ids); not for keys.
    fn random(&self) -> u64;
    /// Starts a task. It goes on when the handle is dropped.
    fn spawn(&self, task: BoxFuture<'static, ()>) -> Task;
    /// Runs what would block (hashing, compressing or syncing much) where it holds up no other task.
    fn offload(&self, work: Box<dyn FnOnce() + Send + 'static>) -> BoxFuture<'static, ()>;
}

/// A started task. An implementation of [`Runtime`] makes it from tokio's handle:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let task: bastion_core::runtime::Task = tokio::spawn(async {}).into();
/// task.join().await;
/// # }
/// ```
#[derive(Debug)]
pub struct Task(tokio::task::JoinHandle<()>);

impl From<tokio::task::JoinHandle<()>> for Task {
    fn from(task: tokio::task::JoinHandle<()>) -> Self {
        Self(task)
    }
}

impl Task {
    /// Waits until it is done.
    pub async fn join(self) {
        // A panic inside was printed by the runtime already; a cancelled task has nothing to say.
        let _ = self.0.await;
    }

    /// Stops it at its next await.
    pub fn abort(&self) {
        self.0.abort();
    }
}

/// What callers use on top of [`Runtime`].
pub trait RuntimeExt: Runtime {
    /// Runs `work` where blocking holds up no other task, and returns its result.
    ///
    /// A panic inside `work` propagates to the caller.
    fn offloaded<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        let (tx, rx) = tokio::sync::oneshot::channel();
        let job = self.offload(Box::new(move || {
            // The receiver lives in the same future; if it was dropped the result is not wanted.
            let _ = tx.send(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)));
        }));
        async move {
            job.await;
            match rx.await {
                Ok(Ok(value)) => value,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                // The runtime is going down and drops its blocking work: so will this task be dropped.
                Err(_) => futures::future::pending().await,
            }
        }
    }
}

impl<R: Runtime + ?Sized> RuntimeExt for R {}

/// The runtime that the engine shares.
pub type SharedRuntime = Arc<dyn Runtime>;
