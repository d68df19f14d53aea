//! What a restore did.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::SkippedObject;
use crate::object::ObjectId;

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was not there and was made.
    Created,
    /// It was there, differed, and was written.
    Updated,
    /// It is there as the backup has it.
    Unchanged,
    /// It is there, differs, and was left as it is.
    Skipped,
    /// It could not be restored.
    Failed,
}

/// One object of a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectReport {
    /// The object in the backup.
    #[serde(serialize_with = "text")]
    pub from: ObjectId,
    /// The object in the cluster.
    #[serde(serialize_with = "text")]
    pub target: ObjectId,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was skipped or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What a person should know beside it: an owner that is gone, another API version.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What a restore did, object by object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreReport {
    /// The objects in the order of the plan.
    pub objects: Vec<ObjectReport>,
    /// What the plan left out.
    pub skipped: Vec<SkippedObject>,
    /// Nothing was written: the outcomes are what would have been.
    pub dry_run: bool,
    /// It was cancelled; what is missing in `objects` was not tried. Running it again goes on.
    pub cancelled: bool,
}

impl RestoreReport {
    /// How many objects had which outcome.
    pub fn counts(&self) -> BTreeMap<Outcome, usize> {
        let mut counts = BTreeMap::new();
        self.objects.iter().for_each(|object| *counts.entry(object.outcome).or_default() += 1);
        counts
    }

    /// How many objects had this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.objects.iter().filter(|object| object.outcome == outcome).count()
    }

    /// Whether everything was tried and nothing failed.
    pub fn is_complete(&self) -> bool {
        !self.cancelled && self.count(Outcome::Failed) == 0
    }
}

fn text<S: Serializer>(id: &ObjectId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}
