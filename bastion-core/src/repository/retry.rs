//! Waiting between tries.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::{backoff::Backoff, failure::chain, runtime::SharedRuntime, store::StoreError};

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

/// Counts the attempts of one operation, and waits between them.
#[derive(Debug)]
pub(crate) struct Attempts {
    runtime: SharedRuntime,
    give_up_after: Option<Duration>,
    limit: Limit,
    since: Duration,
    backoff: Backoff,
}

impl Attempts {
    /// For an operation that begins now; `None` never gives up.
    pub(crate) fn new(runtime: &SharedRuntime, give_up_after: Option<Duration>) -> Self {
        let (limit, backoff) = (Limit::default(), Backoff::new(FIRST, LONGEST));
        Self { runtime: runtime.clone(), give_up_after, limit, since: runtime.uptime(), backoff }
    }

    /// Gives up also when that is over.
    pub(crate) fn limited(self, limit: &Limit) -> Self {
        Self { limit: limit.clone(), ..self }
    }

    /// Waits before the next attempt, or says at once that there shall be none: the error is final, or the time
    /// is over.
    pub(crate) async fn again(&mut self, error: &StoreError) -> bool {
        let elapsed = self.runtime.uptime().saturating_sub(self.since);
        let is_over = self.limit.is_over(elapsed) || self.give_up_after.is_some_and(|limit| elapsed >= limit);
        if is_over || !error.is_retryable() {
            return false;
        }
        let wait = self.backoff.next(self.runtime.random());
        if self.backoff.failures() == 4 {
            tracing::warn!(error = chain(error), "the storage keeps failing; retrying");
        }
        self.runtime.sleep(wait).await;
        true
    }
}
