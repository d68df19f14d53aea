//! Waiting between tries.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::{error::chain, runtime::SharedRuntime, store::StoreError};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(15);

/// How long to go on after failures that may pass; all clones have the same, and it may change meanwhile.
#[derive(Debug, Clone)]
pub(crate) struct Limit(Arc<AtomicU64>);

impl Default for Limit {
    /// For good.
    fn default() -> Self {
        Self(Arc::new(u64::MAX.into()))
    }
}

impl Limit {
    /// `None` is for good.
    pub(crate) fn set(&self, limit: Option<Duration>) {
        let millis = limit.and_then(|limit| u64::try_from(limit.as_millis()).ok());
        self.0.store(millis.unwrap_or(u64::MAX), Relaxed);
    }

    fn is_over(&self, elapsed: Duration) -> bool {
        elapsed >= Duration::from_millis(self.0.load(Relaxed))
    }
}

/// Exponential backoff with jitter. Counts the tries of one operation.
#[derive(Debug)]
pub(crate) struct Backoff {
    runtime: SharedRuntime,
    give_up_after: Option<Duration>,
    limit: Limit,
    since: Duration,
    tries: u32,
}

impl Backoff {
    /// For an operation that begins now; `None` never gives up.
    pub(crate) fn new(runtime: &SharedRuntime, give_up_after: Option<Duration>) -> Self {
        let limit = Limit::default();
        Self { runtime: runtime.clone(), give_up_after, limit, since: runtime.uptime(), tries: 0 }
    }

    /// Gives up also when that is over.
    pub(crate) fn limited(self, limit: &Limit) -> Self {
        Self { limit: limit.clone(), ..self }
    }

    /// Waits before the next try, or says at once that there shall be none: the error is final, or the time
    /// is over.
    pub(crate) async fn again(&mut self, error: &StoreError) -> bool {
        let elapsed = self.runtime.uptime().saturating_sub(self.since);
        let is_over = self.limit.is_over(elapsed) || self.give_up_after.is_some_and(|limit| elapsed >= limit);
        if is_over || !error.is_retryable() {
            return false;
        }
        let longest = FIRST.saturating_mul(1 << self.tries.min(10)).min(LONGEST);
        self.tries += 1;
        if self.tries == 4 {
            tracing::warn!(error = chain(error), "the storage does not answer as it should; trying on");
        }
        // Between half and all of it: writers that failed together do not come back together.
        let half = u64::try_from(longest.as_millis() / 2).unwrap_or(u64::MAX).max(1);
        let wait = Duration::from_millis(half + self.runtime.random() % half);
        self.runtime.sleep(wait).await;
        true
    }
}
