//! What the engine counts: cheap to count, read by metrics and `status`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::{
    error::Failure,
    object::{GroupKind, ObjectId},
    pipeline::state::ObjectState,
    record::RevisionState,
    repository::Head,
    runtime::SharedRuntime,
    time::Timestamp,
};

mod histogram;
mod snapshot;

pub use histogram::{Histogram, HistogramSnapshot};
pub use snapshot::{EngineSnapshot, KindPhase, KindSnapshot, StatsSnapshot};

/// How many of the objects that were saved are remembered by name.
const REMEMBERED: usize = 128;

/// An object whose change became durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Which.
    pub id: ObjectId,
    /// What became of it.
    pub state: RevisionState,
    /// Number of the segment.
    pub segment: u64,
}

/// What the engine counts, of the whole and of each kind.
#[derive(Debug)]
pub struct Stats {
    runtime: SharedRuntime,
    kinds: Mutex<BTreeMap<GroupKind, Arc<KindStats>>>,
    skipped: Mutex<BTreeMap<GroupKind, String>>,
    pub(crate) engine: EngineStats,
}

/// Counters and gauges of the one batcher.
#[derive(Debug, Default)]
pub(crate) struct EngineStats {
    pub(crate) commits: Counter,
    pub(crate) position_commits: Counter,
    pub(crate) failures: Counter,
    pub(crate) stale: Counter,
    pub(crate) stored: Counter,
    pub(crate) latency: Histogram,
    committed_at: Counter,
    segment: Counter,
    head: Mutex<Option<Head>>,
    incarnation: Counter,
    pub(crate) bytes_in_flight: Counter,
    pub(crate) error: Mutex<Option<Failure>>,
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stats {
    pub(crate) fn new(runtime: SharedRuntime) -> Self {
        Self { runtime, kinds: Mutex::default(), skipped: Mutex::default(), engine: EngineStats::default() }
    }

    /// The counters of a kind. They outlive its pipeline: a kind that comes back counts on.
    pub(crate) fn kind(&self, kind: &GroupKind) -> Arc<KindStats> {
        lock(&self.skipped).remove(kind);
        lock(&self.kinds).entry(kind.clone()).or_default().clone()
    }

    /// A kind exists and is not followed.
    pub(crate) fn skip(&self, kind: GroupKind, why: String) {
        lock(&self.skipped).insert(kind, why);
    }

    /// The end of the log as the engine wrote or read it last; `None` before it ran.
    pub fn head(&self) -> Option<Head> {
        lock(&self.engine.head).clone()
    }

    /// The objects that became durable since the last call; of many only the first 128.
    pub fn take_saved(&self) -> Vec<Saved> {
        std::mem::take(&mut *lock(&self.engine.saved))
    }

    /// Everything as it is now.
    pub fn snapshot(&self) -> StatsSnapshot {
        let now = self.runtime.uptime();
        let e = &self.engine;
        StatsSnapshot {
            kinds: lock(&self.kinds).iter().map(|(kind, stats)| (kind.clone(), stats.snapshot(now))).collect(),
            skipped: lock(&self.skipped).clone(),
            engine: EngineSnapshot {
                commits: e.commits.get(),
                position_commits: e.position_commits.get(),
                failures: e.failures.get(),
                stale: e.stale.get(),
                stored_bytes: e.stored.get(),
                commit_seconds: e.latency.snapshot(),
                committed_at: i64::try_from(e.committed_at.get())
                    .ok()
                    .filter(|at| *at != 0)
                    .map(Timestamp::from_millis),
                segment: e.segment.get(),
                incarnation: u32::try_from(e.incarnation.get()).unwrap_or(u32::MAX),
                bytes_in_flight: e.bytes_in_flight.get(),
                error: lock(&e.error).clone(),
            },
        }
    }
}

impl EngineStats {
    /// The log ends here now.
    pub(crate) fn set_head(&self, head: &Head) {
        self.segment.set(head.number);
        self.incarnation.set(u64::from(head.incarnation));
        self.committed_at.set(u64::try_from(head.at.as_millis()).unwrap_or(0));
        *lock(&self.head) = Some(head.clone());
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

    fn snapshot(&self, now: Duration) -> KindSnapshot {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_of_what_was_saved_are_taken_once_and_never_grow_without_end() {
        let stats = Stats::new(Arc::new(crate::runtime::TokioRuntime::new()));
        let kind = GroupKind::new("", "ConfigMap");
        for n in 0..2 * REMEMBERED as u64 {
            let id = ObjectId::new(&kind, "shop", format!("settings-{n}"));
            stats.engine.note_saved(Saved { id, state: RevisionState::Put, segment: n });
        }
        assert_eq!(stats.take_saved().iter().map(|s| s.segment).collect::<Vec<_>>(), (0..128).collect::<Vec<_>>());
        assert_eq!(stats.take_saved(), []);
    }

    #[test]
    fn a_snapshot_serializes_with_its_errors_typed() {
        let stats = Stats::new(Arc::new(crate::runtime::TokioRuntime::new()));
        stats.kind(&GroupKind::new("apps", "Deployment")).enter(KindPhase::Following);
        stats.skip(GroupKind::new("", "Event"), "changes all day by itself".into());
        let away = crate::store::StoreError::Unavailable { key: "log/1.seg".into(), source: "refused".into() };
        stats.engine.set_error(Some(Failure::from(&crate::Error::Store(away))));
        stats.engine.latency.record(Duration::from_millis(3));
        let mut json = serde_json::to_value(stats.snapshot()).unwrap();
        // Fifteen buckets are as good as one here.
        for pointer in ["/kinds/Deployment.apps/latency/buckets", "/engine/commitSeconds/buckets"] {
            let buckets = json.pointer_mut(pointer).and_then(|b| b.as_array_mut()).unwrap();
            buckets.retain(|bucket| bucket[0] == 0.005 || bucket[0].is_null());
        }
        insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap(), @r#"
        {
          "engine": {
            "bytesInFlight": 0,
            "commitSeconds": {
              "buckets": [
                [
                  0.005,
                  1
                ],
                [
                  null,
                  1
                ]
              ],
              "count": 1,
              "sum": 0.003
            },
            "commits": 0,
            "committedAt": null,
            "error": {
              "category": "unavailable",
              "message": "storage: the storage is unavailable (log/1.seg): refused"
            },
            "failures": 1,
            "incarnation": 0,
            "positionCommits": 0,
            "segment": 0,
            "stale": 0,
            "storedBytes": 0
          },
          "kinds": {
            "Deployment.apps": {
              "bytes": 0,
              "changed": 0,
              "coalesced": 0,
              "committed": 0,
              "deleted": 0,
              "error": null,
              "errors": 0,
              "events": 0,
              "failed": 0,
              "hashed": 0,
              "inBackup": 0,
              "inChanged": 0,
              "inHashed": 0,
              "latency": {
                "buckets": [
                  [
                    0.005,
                    0
                  ],
                  [
                    null,
                    0
                  ]
                ],
                "count": 0,
                "sum": 0.0
              },
              "lists": 0,
              "oldestUnsaved": null,
              "phase": "following",
              "queueBytes": 0,
              "queueObjects": 0,
              "released": 0,
              "reread": 0,
              "selected": 0,
              "unchanged": 0,
              "withheld": 0,
              "workers": 0
            }
          },
          "skipped": {
            "Event": "changes all day by itself"
          }
        }
        "#);
    }
}
