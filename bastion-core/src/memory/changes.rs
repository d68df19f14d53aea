//! Waking whoever follows the cluster.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Counts changes. Followers wake in the order in which they began to wait: a channel of tokio's would draw lots,
/// and one seed would not give one trace.
#[derive(Debug, Default)]
pub(super) struct Changes {
    count: AtomicU64,
    wake: Notify,
}

impl Changes {
    /// Something changed.
    pub(super) fn tell(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.wake.notify_waiters();
    }

    /// How many changes there were.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Waits until there are more than these.
    pub(super) async fn more_than(&self, known: u64) {
        loop {
            let woken = self.wake.notified();
            let mut woken = std::pin::pin!(woken);
            // Waiting before the look, so that a change in between is not missed.
            woken.as_mut().enable();
            if self.count() > known {
                return;
            }
            woken.await;
        }
    }
}
