//! Waiting between tries.

use std::time::Duration;

use crate::{runtime::SharedRuntime, store::StoreError};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(15);

/// Exponential backoff with jitter. Counts the tries of one operation.
#[derive(Debug)]
pub(crate) struct Backoff {
    runtime: SharedRuntime,
    give_up_after: Option<Duration>,
    since: Duration,
    tries: u32,
}

impl Backoff {
    /// For an operation that begins now; `None` never gives up.
    pub(crate) fn new(runtime: &SharedRuntime, give_up_after: Option<Duration>) -> Self {
        Self { runtime: runtime.clone(), give_up_after, since: runtime.uptime(), tries: 0 }
    }

    /// Waits before the next try, or says at once that there shall be none: the error is final, or the time
    /// is over.
    pub(crate) async fn again(&mut self, error: &StoreError) -> bool {
        let elapsed = self.runtime.uptime().saturating_sub(self.since);
        if !error.is_retryable() || self.give_up_after.is_some_and(|limit| elapsed >= limit) {
            return false;
        }
        let longest = FIRST.saturating_mul(1 << self.tries.min(10)).min(LONGEST);
        self.tries += 1;
        if self.tries == 4 {
            tracing::warn!(%error, "the storage does not answer as it should; trying on");
        }
        // Between half and all of it: writers that failed together do not come back together.
        let half = u64::try_from(longest.as_millis() / 2).unwrap_or(u64::MAX).max(1);
        let wait = Duration::from_millis(half + self.runtime.random() % half);
        self.runtime.sleep(wait).await;
        true
    }
}
