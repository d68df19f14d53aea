//! What a restore did.

use std::collections::BTreeMap;

use serde::Serialize;

use super::plan::SkippedObject;
use crate::{failure::Category, object::ObjectId};

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
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
///
/// ```json
/// {"from":"ConfigMap shop/prices","target":"ConfigMap copy/prices","outcome":"failed",
///  "why":"create ConfigMap copy/prices: forbidden","category":"denied"}
/// ```
/// `why`, `category` and `notes` are left out where there are none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ObjectReport {
    /// The object in the backup.
    #[serde(serialize_with = "crate::serialize::display")]
    pub from: ObjectId,
    /// The object in the cluster.
    #[serde(serialize_with = "crate::serialize::display")]
    pub target: ObjectId,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was skipped or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What sort of failure it was, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// What a person should know beside it: an owner that is gone, another API version.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl ObjectReport {
    /// An object that nothing has to be done for.
    pub(super) fn new(from: ObjectId, target: ObjectId) -> Self {
        Self { from, target, outcome: Outcome::Unchanged, why: None, category: None, notes: Vec::new() }
    }
}

/// What a restore did, object by object.
///
/// ```json
/// {"objects":[…],"skipped":[{"object":"Node node-1","why":"nodes register themselves"}],
///  "dryRun":false,"cancelled":false}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RestoreReport {
    /// The objects in the order of the plan.
    pub objects: Vec<ObjectReport>,
    /// What the plan left out.
    pub skipped: Vec<SkippedObject>,
    /// Nothing was written: the outcomes are what would have been.
    pub dry_run: bool,
    /// It was cancelled: objects that are not in `objects` were not tried. Run it again to restore the rest.
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
