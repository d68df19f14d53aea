//! The counters and gauges beneath the statistics: cheap to change from many tasks.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{
    histogram::Histogram,
    saved::{REMEMBERED, Saved},
    snapshot::{EngineSnapshot, KindPhase, KindSnapshot},
};
use crate::{error::Failure, pipeline::state::ObjectState, repository::Head, time::Timestamp};

/// Counters and gauges of the one batcher.
#[derive(Debug, Default)]
pub(crate) struct EngineStats {
    pub(crate) commits: Counter,
    pub(crate) position_commits: Counter,
    pub(crate) failures: Counter,
    pub(crate) stale: Counter,
    pub(crate) stored: Counter,
    pub(crate) latency: Histogram,
    head: Mutex<Option<Head>>,
    pub(crate) bytes_in_flight: Counter,
    error: Mutex<Option<Failure>>,
    saved: Mutex<Vec<Saved>>,
}

/// Counters and gauges of one kind's pipeline.
#[derive(Debug, Default)]
pub(crate) struct KindStats {
    pub(crate) events: Counter,
    pub(crate) selected: Counter,
    pub(crate) hashed: Counter,
    pub(crate) unchanged: Counter,
    pub(crate) changed: Counter,
    pub(crate) deleted: Counter,
    pub(crate) released: Counter,
    pub(crate) failed: Counter,
    pub(crate) errors: Counter,
    pub(crate) committed: Counter,
    pub(crate) bytes: Counter,
    pub(crate) coalesced: Counter,
    pub(crate) reread: Counter,
    pub(crate) lists: Counter,
    pub(crate) queue_objects: Counter,
    pub(crate) queue_bytes: Counter,
    pub(crate) workers: Counter,
    pub(crate) withheld: Counter,
    pub(crate) latency: Histogram,
    states: [Counter; ObjectState::ALL.len()],
    /// Uptime in microseconds of the oldest event that is not settled yet, plus one; 0 for none.
    oldest: Counter,
    text: Mutex<(KindPhase, Option<Failure>)>,
}

/// A number that many tasks change.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub(crate) fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Relaxed);
    }

    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EngineStats {
    /// The log ends here now.
    pub(crate) fn set_head(&self, head: &Head) {
        *lock(&self.head) = Some(head.clone());
    }

    pub(super) fn head(&self) -> Option<Head> {
        lock(&self.head).clone()
    }

    pub(super) fn take_saved(&self) -> Vec<Saved> {
        std::mem::take(&mut *lock(&self.saved))
    }

    /// Remembers an object for [`Stats::take_saved`], up to a bound in case it is never called.
    pub(crate) fn note_saved(&self, saved: Saved) {
        let mut all = lock(&self.saved);
        if all.len() < REMEMBERED {
            all.push(saved);
        }
    }

    /// The last commit failed with this, or (`None`) did not.
    pub(crate) fn set_error(&self, error: Option<Failure>) {
        if error.is_some() {
            self.failures.add(1);
        }
        *lock(&self.error) = error;
    }

    pub(super) fn snapshot(&self) -> EngineSnapshot {
        let head = self.head().unwrap_or_default();
        EngineSnapshot {
            commits: self.commits.get(),
            position_commits: self.position_commits.get(),
            failures: self.failures.get(),
            stale: self.stale.get(),
            stored_bytes: self.stored.get(),
            commit_seconds: self.latency.snapshot(),
            committed_at: Some(head.at).filter(|at| *at != Timestamp::default()),
            revision: head.number,
            incarnation: head.incarnation,
            bytes_in_flight: self.bytes_in_flight.get(),
            error: lock(&self.error).clone(),
        }
    }
}

impl KindStats {
    /// An object went from one state to another.
    pub(crate) fn moved(&self, from: ObjectState, to: ObjectState) {
        for (state, change) in [(from, -1_i64), (to, 1)] {
            if state != ObjectState::Idle {
                let counter = &self.states[state as usize];
                if change > 0 { counter.add(1) } else { counter.sub(1) }
            }
        }
    }

    /// When the oldest event came that is not settled yet.
    pub(crate) fn oldest_unsaved(&self, since: Option<Duration>) {
        self.oldest.set(since.map_or(0, |d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX - 1) + 1));
    }

    /// What the pipeline does now.
    pub(crate) fn enter(&self, phase: KindPhase) {
        lock(&self.text).0 = phase;
    }

    /// What went wrong last; `None` once it goes well again.
    pub(crate) fn set_error(&self, error: Option<Failure>) {
        if error.is_some() {
            self.errors.add(1);
        }
        lock(&self.text).1 = error;
    }

    pub(super) fn snapshot(&self, now: Duration) -> KindSnapshot {
        let (phase, error) = lock(&self.text).clone();
        let oldest = self.oldest.get();
        let in_state = |s: ObjectState| self.states[s as usize].get();
        KindSnapshot {
            phase,
            error,
            events: self.events.get(),
            selected: self.selected.get(),
            hashed: self.hashed.get(),
            unchanged: self.unchanged.get(),
            changed: self.changed.get(),
            deleted: self.deleted.get(),
            released: self.released.get(),
            failed: self.failed.get(),
            errors: self.errors.get(),
            committed: self.committed.get(),
            bytes: self.bytes.get(),
            coalesced: self.coalesced.get(),
            reread: self.reread.get(),
            lists: self.lists.get(),
            queue_objects: self.queue_objects.get(),
            queue_bytes: self.queue_bytes.get(),
            workers: self.workers.get(),
            withheld: self.withheld.get(),
            in_hashed: in_state(ObjectState::Hashed),
            in_changed: in_state(ObjectState::Changed),
            in_backup: in_state(ObjectState::Backup),
            latency: self.latency.snapshot(),
            oldest_unsaved: oldest.checked_sub(1).map(|us| now.saturating_sub(Duration::from_micros(us))),
        }
    }
}
