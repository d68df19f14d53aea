//! What was counted, at one moment. The JSON has the fields as they are called here, in camelCase, durations in
//! seconds and times as RFC 3339.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::histogram::HistogramSnapshot;
use crate::{error::Failure, object::GroupKind, time::Timestamp};

/// Everything that the engine counted, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StatsSnapshot {
    /// Each kind that is or was followed.
    #[serde(serialize_with = "crate::serialize::display_keys")]
    pub kinds: BTreeMap<GroupKind, KindSnapshot>,
    /// Kinds that exist and are not followed, and why.
    #[serde(serialize_with = "crate::serialize::display_keys")]
    pub skipped: BTreeMap<GroupKind, String>,
    /// The batcher.
    pub engine: EngineSnapshot,
}

/// What a kind's pipeline does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum KindPhase {
    /// It has read nothing of the cluster yet.
    #[default]
    Starting,
    /// It reads a list.
    Listing,
    /// It follows a watch.
    Following,
    /// Its list was read to the end; nothing more comes.
    Done,
    /// Its stream ended with an error; a continuous engine tries again later.
    Failed,
    /// The kind is no longer served.
    Removed,
}

impl KindPhase {
    /// Its name in metrics and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Listing => "listing",
            Self::Following => "following",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Removed => "removed",
        }
    }
}

/// What one kind's pipeline counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct KindSnapshot {
    /// What it does now.
    pub phase: KindPhase,
    /// What went wrong last, if it has not gone well since.
    pub error: Option<Failure>,
    /// Events of objects.
    pub events: u64,
    /// Those of them whose object is selected.
    pub selected: u64,
    /// Bodies that were hashed.
    pub hashed: u64,
    /// Events that turned out to be in the log already.
    pub unchanged: u64,
    /// Objects whose content was found changed.
    pub changed: u64,
    /// Objects found deleted.
    pub deleted: u64,
    /// Objects found to be no longer selected.
    pub released: u64,
    /// Objects that could not be read or cleaned.
    pub failed: u64,
    /// Errors of the kind's stream and of reads for it.
    pub errors: u64,
    /// Records that are durable.
    pub committed: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Events that were replaced by a newer one before a worker took them.
    pub coalesced: u64,
    /// Bodies that were dropped from the queue and read again.
    pub reread: u64,
    /// Lists that were read to the end.
    pub lists: u64,
    /// Objects that wait for a worker.
    pub queue_objects: u64,
    /// Bytes of their bodies.
    pub queue_bytes: u64,
    /// Workers now.
    pub workers: u64,
    /// Deletions that the brake withholds.
    pub withheld: u64,
    /// Objects in state Hashed now.
    pub in_hashed: u64,
    /// Objects in state Changed now.
    pub in_changed: u64,
    /// Objects in state Backup now.
    pub in_backup: u64,
    /// From the event of a change until it was durable.
    pub latency: HistogramSnapshot,
    /// How long the oldest event waits that is not yet known to be unchanged or durable.
    #[serde(serialize_with = "crate::serialize::optional_seconds")]
    pub oldest_unsaved: Option<Duration>,
}

/// What the batcher counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EngineSnapshot {
    /// Commits that carried records.
    pub commits: u64,
    /// Commits that carried positions or notes only.
    pub position_commits: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Records left out because another writer had written the same or something newer.
    pub stale: u64,
    /// Bytes stored: segments and packs.
    pub stored_bytes: u64,
    /// How long commits took, from sealing the batch until it was durable.
    pub commit_seconds: HistogramSnapshot,
    /// When the last commit became durable.
    pub committed_at: Option<Timestamp>,
    /// Number of the last revision, which is that of the last commit.
    pub revision: u64,
    /// The log's incarnation.
    pub incarnation: u32,
    /// Bytes of bodies in the batches that are filling or being committed.
    pub bytes_in_flight: u64,
    /// What went wrong with the last attempt, if it has not gone well since.
    pub error: Option<Failure>,
}
