//! What the engine counts: cheap to count, read by metrics and `status`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use crate::{object::GroupKind, repository::Head, runtime::SharedRuntime};

mod counters;
mod histogram;
mod saved;
mod snapshot;

pub(crate) use counters::KindStats;
use counters::{EngineStats, lock};
pub use histogram::{Histogram, HistogramSnapshot};
pub use saved::Saved;
pub use snapshot::{EngineSnapshot, KindPhase, KindSnapshot, StatsSnapshot};

/// What the engine counts, of the whole and of each kind.
#[derive(Debug)]
pub struct Stats {
    runtime: SharedRuntime,
    kinds: Mutex<BTreeMap<GroupKind, Arc<KindStats>>>,
    skipped: Mutex<BTreeMap<GroupKind, String>>,
    pub(crate) engine: EngineStats,
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
        self.engine.head()
    }

    /// The objects that became durable since the last call; of many only the first 128.
    pub fn take_saved(&self) -> Vec<Saved> {
        self.engine.take_saved()
    }

    /// Everything as it is now.
    pub fn snapshot(&self) -> StatsSnapshot {
        let now = self.runtime.uptime();
        StatsSnapshot {
            kinds: lock(&self.kinds).iter().map(|(kind, stats)| (kind.clone(), stats.snapshot(now))).collect(),
            skipped: lock(&self.skipped).clone(),
            engine: self.engine.snapshot(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::{saved::REMEMBERED, *};
    use crate::{error::Failure, object::ObjectId, record::RevisionState};

    #[test]
    fn names_of_what_was_saved_are_taken_once_and_never_grow_without_end() {
        let stats = Stats::new(Arc::new(crate::runtime::TokioRuntime::new()));
        let kind = GroupKind::new("", "ConfigMap");
        for n in 0..2 * REMEMBERED as u64 {
            let id = ObjectId::new(&kind, "shop", format!("settings-{n}"));
            stats.engine.note_saved(Saved { id, state: RevisionState::Put, revision: n });
        }
        assert_eq!(stats.take_saved().iter().map(|s| s.revision).collect::<Vec<_>>(), (0..128).collect::<Vec<_>>());
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
            "revision": 0,
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
