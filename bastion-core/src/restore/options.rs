use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::sanitize::{Rules, Sanitizer};

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
    pub(super) conflict: Conflict,
    pub(super) namespaces: BTreeMap<Arc<str>, Arc<str>>,
    pub(super) parallel: usize,
    pub(super) ready_within: Duration,
    pub(super) sanitizer: Arc<dyn Sanitizer>,
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
