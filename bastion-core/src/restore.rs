//! Restoring: a pure planner makes a [`RestorePlan`], an applier executes it.
//!
//! ```text
//! snapshot.select(filter) ─► Planner (one pass over the bodies; keeps ids, owners and places only)
//!                               └► RestorePlan: stages of steps, what is skipped and why
//!                                     └► apply: stage by stage, in parallel within one
//!                                           body ─► restore form ─► remap ─► relink ─► create │ compare
//! ```
//! What is new is *created*. What exists is compared with what the backup holds, both in their restore form
//! ([`Rules::restore`]): equal objects are left alone, so a restore that was cut off is simply run again; what
//! differs is treated by the [`Conflict`] policy. One object's failure stops nothing but what it owns.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use crate::{
    error::Result,
    manifest::Manifest,
    repository::{ObjectFilter, Snapshot},
    sanitize::{Rules, Sanitizer},
};

mod apply;
mod bodies;
mod conflict;
mod gather;
mod order;
mod plan;
mod planner;
mod prepare;
mod relink;
mod remap;
mod report;
mod skip;

pub use apply::{Applier, Progress};
pub use order::Wave;
pub use plan::{OwnerLink, RestorePlan, SkippedObject, Step};
pub use report::{ObjectReport, Outcome, RestoreReport};

/// What to do with an object that exists and differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Conflict {
    /// Leave it as it is, and say so.
    #[default]
    Skip,
    /// Server-side apply: what the backup names wins, what others added stays.
    Update,
    /// Make it what the backup holds.
    Replace,
    /// The object fails.
    Fail,
}

/// How to restore.
#[derive(Debug, Clone)]
pub struct RestoreOptions {
    conflict: Conflict,
    namespaces: BTreeMap<Arc<str>, Arc<str>>,
    parallel: usize,
    ready_within: Duration,
    sanitizer: Arc<dyn Sanitizer>,
}

impl Default for RestoreOptions {
    fn default() -> Self {
        Self {
            conflict: Conflict::default(),
            namespaces: BTreeMap::new(),
            parallel: 16,
            ready_within: Duration::from_mins(2),
            sanitizer: Arc::new(Rules::restore()),
        }
    }
}

impl RestoreOptions {
    /// Skip what differs, 16 objects at a time, two minutes for a CRD to be established.
    pub fn new() -> Self {
        Self::default()
    }

    /// What to do with what exists and differs.
    #[must_use]
    pub fn conflict(mut self, conflict: Conflict) -> Self {
        self.conflict = conflict;
        self
    }

    /// Restores objects of namespace `from` into namespace `to`, references to it included.
    #[must_use]
    pub fn map_namespace(mut self, from: impl Into<Arc<str>>, to: impl Into<Arc<str>>) -> Self {
        self.namespaces.insert(from.into(), to.into());
        self
    }

    /// How many objects at once; at least one.
    #[must_use]
    pub fn parallel(mut self, objects: usize) -> Self {
        self.parallel = objects.max(1);
        self
    }

    /// How long a CRD may take to be established, a namespace to be active, a name to be free of the object
    /// that is being deleted under it.
    #[must_use]
    pub fn ready_within(mut self, time: Duration) -> Self {
        self.ready_within = time;
        self
    }

    /// Other rules for the restore form.
    #[must_use]
    pub fn sanitizer(mut self, sanitizer: Arc<dyn Sanitizer>) -> Self {
        self.sanitizer = sanitizer;
        self
    }
}

/// Decides by the content whether an object is wanted.
pub type Predicate = Arc<dyn Fn(&Manifest) -> bool + Send + Sync>;

/// Some objects of a snapshot.
#[derive(Clone)]
pub struct RestoreSet {
    snapshot: Snapshot,
    filter: ObjectFilter,
    predicate: Option<Predicate>,
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
    /// Selects objects to restore.
    pub fn select(self, filter: ObjectFilter) -> RestoreSet {
        RestoreSet { snapshot: self, filter, predicate: None }
    }
}

impl RestoreSet {
    /// Of these only the objects that this takes (a label selector).
    #[must_use]
    pub fn matching(mut self, predicate: Predicate) -> Self {
        self.predicate = Some(predicate);
        self
    }

    /// Plans their restore. Namespaces and CRDs that they need and the selection leaves out are planned too,
    /// to be created if they are missing.
    pub async fn restore_plan(self, options: &RestoreOptions) -> Result<RestorePlan> {
        gather::plan(self, options).await
    }
}

#[cfg(test)]
mod tests;
