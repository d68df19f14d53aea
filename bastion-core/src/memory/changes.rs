//! Wakes those who follow the cluster.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Counts changes. Followers wake in the order in which they began to wait; a channel of tokio would wake them in a
/// random order, and the same seed would not give the same trace.
#[derive(Debug, Default)]
pub(super) struct Changes {
    count: AtomicU64,
    wake: Notify,
}

impl Changes {
    /// Counts a change and wakes the followers.
    pub(super) fn notify(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.wake.notify_waiters();
    }

    /// The number of changes so far.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Waits until there are more than these.
    pub(super) async fn more_than(&self, known: u64) {
        loop {
            let woken = self.wake.notified();
            let mut woken = std::pin::pin!(woken);
            // Registered before the check, so that a change in between is not missed.
            woken.as_mut().enable();
            if self.count() > known {
                return;
            }
            woken.await;
        }
    }
}
