use std::{fmt, sync::Arc};

use crate::{
    manifest::Manifest,
    repository::{ObjectFilter, Snapshot},
};

/// Decides by its content whether an object is restored.
pub type Predicate = Arc<dyn Fn(&Manifest) -> bool + Send + Sync>;

/// The objects of a snapshot that are to be restored; made by [`Snapshot::select`].
#[derive(Clone)]
pub struct RestoreSet {
    pub(super) snapshot: Snapshot,
    pub(super) filter: ObjectFilter,
    pub(super) predicate: Option<Predicate>,
}

impl fmt::Debug for RestoreSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestoreSet")
            .field("snapshot", &self.snapshot)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Selects objects to restore: of those that the filter takes, the ones that exist in the snapshot.
    pub fn select(self, filter: ObjectFilter) -> RestoreSet {
        RestoreSet { snapshot: self, filter, predicate: None }
    }
}

impl RestoreSet {
    /// Restores only those that also match this predicate (a label selector).
    #[must_use]
    pub fn matching(mut self, predicate: Predicate) -> Self {
        self.predicate = Some(predicate);
        self
    }
}
