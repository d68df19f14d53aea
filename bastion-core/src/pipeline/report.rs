//! What a run did for one kind.

use serde::Serialize;

use crate::{
    error::{Error, Failure},
    object::ObjectId,
    pipeline::stats::KindSnapshot,
    record::Withheld,
};

/// How many failed objects of a kind a report names.
pub const NAMED_FAILURES: usize = 100;

/// What a run did for one kind.
///
/// As JSON: the numbers as they are called here, `failures` and `withheld` as objects, `error` as a [`Failure`];
/// what is empty is left out.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<ObjectFailure>,
    /// Deletions that the brake withholds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
    /// Why the kind could not be read to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

/// An object that could not be backed up, and why. As JSON: `object`, `category`, `message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ObjectFailure {
    /// Which object.
    #[serde(serialize_with = "crate::serialize::display")]
    pub object: ObjectId,
    /// What is wrong with it.
    #[serde(flatten)]
    pub failure: Failure,
}

impl ObjectFailure {
    pub(crate) fn new(object: ObjectId, failure: Failure) -> Self {
        Self { object, failure }
    }
}

impl KindReport {
    /// Puts in the numbers that were counted.
    pub(crate) fn with_counts(self, counted: &KindSnapshot) -> Self {
        Self {
            seen: counted.events,
            selected: counted.selected,
            unchanged: counted.unchanged,
            changed: counted.changed,
            deleted: counted.deleted,
            released: counted.released,
            failed: counted.failed,
            ..self
        }
    }

    /// Adds what a lane of the kind knows beside numbers.
    pub(crate) fn merge(&mut self, lane: LaneReport) {
        self.withheld = lane.withheld;
        let room = NAMED_FAILURES.saturating_sub(self.failures.len());
        self.failures.extend(lane.failures.into_iter().take(room));
    }
}

/// What a lane knows beside numbers.
#[derive(Debug, Default)]
pub(crate) struct LaneReport {
    pub(crate) failures: Vec<ObjectFailure>,
    pub(crate) withheld: Option<Withheld>,
}
