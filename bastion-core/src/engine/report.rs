use std::collections::BTreeMap;

use crate::{
    error::Error,
    object::{GroupKind, ObjectId},
    record::Withheld,
    repository::Head,
};

/// How many failed objects of a kind a report names.
pub const NAMED_FAILURES: usize = 100;

/// What a run did.
#[derive(Debug, Default)]
pub struct Report {
    /// Each kind that was followed.
    pub kinds: BTreeMap<GroupKind, KindReport>,
    /// Kinds that exist and were not followed, and why.
    pub skipped: BTreeMap<GroupKind, String>,
    /// Parts of discovery that failed: what, and why.
    pub undiscovered: Vec<(String, Error)>,
    /// The end of the log after the run.
    pub head: Head,
    /// Whether the run was told to stop.
    pub cancelled: bool,
    /// Whether everything that was seen is durable: not so where a stop had to cut something off.
    pub flushed: bool,
}

/// What a run did for one kind.
#[derive(Debug, Default)]
pub struct KindReport {
    /// Objects that the source showed, selected or not (a continuous source shows an object often).
    pub seen: u64,
    /// Those of them that are selected.
    pub selected: u64,
    /// Found in the log already.
    pub unchanged: u64,
    /// Put into the log.
    pub changed: u64,
    /// Found deleted.
    pub deleted: u64,
    /// Found to be no longer selected.
    pub released: u64,
    /// How many objects could not be read or cleaned.
    pub failed: u64,
    /// The first [`NAMED_FAILURES`] of them, and why.
    pub failures: Vec<(ObjectId, String)>,
    /// Deletions that the brake withholds.
    pub withheld: Option<Withheld>,
    /// Why the kind could not be read to the end.
    pub error: Option<Error>,
}

impl Report {
    /// Whether everything that was to be read was read and is durable.
    pub fn is_complete(&self) -> bool {
        self.flushed
            && !self.cancelled
            && self.undiscovered.is_empty()
            && self.kinds.values().all(|k| k.error.is_none() && k.failed == 0)
    }

    /// The sum of a number over all kinds: `report.total(|k| k.changed)`.
    pub fn total(&self, number: impl Fn(&KindReport) -> u64) -> u64 {
        self.kinds.values().map(number).sum()
    }
}
