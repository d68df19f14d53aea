//! Restoring: select objects of a snapshot, plan, look at the plan, apply it.
//!
//! ```text
//! snapshot.select(filter) ─► RestoreSet
//!   restore_plan(options) ─► RestorePlan: steps in order, what is skipped and why (one pass over the bodies)
//!             apply(sink) ─► RestoreReport: stage by stage, in parallel within a stage
//!                            body ─► restore form ─► remap ─► relink ─► create │ compare
//! ```
//! An object that does not exist is *created*. One that exists is compared with the backup, both in their restore
//! form ([`Rules::restore`]): equal objects are left alone, so a restore that was interrupted is simply run again;
//! objects that differ are treated by the [`Conflict`] policy. If an object fails, only what it owns fails with it.
//!
//! The [crate's example](crate#a-backup-and-a-restore) restores a namespace. Options, for another one:
//!
//! ```
//! use std::time::Duration;
//! use bastion_core::restore::{Conflict, RestoreOptions};
//!
//! let options = RestoreOptions::new()
//!     .conflict(Conflict::Replace)
//!     .map_namespace("shop", "shop-copy")
//!     .ready_within(Duration::from_secs(30));
//! # let _ = options;
//! ```

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

pub use apply::Applier;
pub use plan::{RestorePlan, SkippedObject, Step, UnreadableObject};
pub use report::{ObjectReport, Outcome, RestoreReport};

/// What to do with an object that exists and differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[non_exhaustive]
pub enum Conflict {
    /// Leave it as it is and report it.
    #[default]
    Skip,
    /// Server-side apply: fields of the backup win, fields that others added stay.
    Update,
    /// Make it what the backup holds.
    Replace,
    /// Leave it as it is and count it as a failure.
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

    /// How long to wait for a CRD to be established, a namespace to be active, an object of the same name that is
    /// being deleted to be gone.
    #[must_use]
    pub fn ready_within(mut self, time: Duration) -> Self {
        self.ready_within = time;
        self
    }

    /// The rules that make the restore form; [`Rules::restore`] by default.
    #[must_use]
    pub fn sanitizer(mut self, sanitizer: Arc<dyn Sanitizer>) -> Self {
        self.sanitizer = sanitizer;
        self
    }
}

/// Decides by its content whether an object is restored.
pub type Predicate = Arc<dyn Fn(&Manifest) -> bool + Send + Sync>;

/// The objects of a snapshot that are to be restored; made by [`Snapshot::select`].
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
    /// Restores only those that also match this predicate (a label selector).
    #[must_use]
    pub fn matching(mut self, predicate: Predicate) -> Self {
        self.predicate = Some(predicate);
        self
    }

    /// Plans the restore. Namespaces and CRDs that the objects need are planned too, even if they were not selected:
    /// they are created if they are missing.
    pub async fn restore_plan(self, options: &RestoreOptions) -> Result<RestorePlan> {
        gather::plan(self, options).await
    }
}

#[cfg(test)]
mod tests;
