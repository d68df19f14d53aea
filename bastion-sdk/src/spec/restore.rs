//! What to restore, and how.

use std::{collections::BTreeMap, time::Duration};

use bastion_core::{
    restore::{Conflict, RestoreOptions},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{ObjectsSpec, SpecError};

/// What to restore, and how.
///
/// ```
/// use bastion_sdk::spec::{ConflictSpec, RestoreSpec};
///
/// # fn main() -> Result<(), bastion_sdk::spec::SpecError> {
/// let spec = RestoreSpec::namespace("shop").at("2h")?.map_namespace("shop", "shop-copy").conflict(ConflictSpec::Update);
/// assert!(spec.validate().is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RestoreSpec {
    /// Whose objects, by the cluster's name in the repository; those of the session's own cluster if nothing is said.
    pub cluster: Option<String>,
    /// Which objects; all of them if nothing is said.
    pub objects: ObjectsSpec,
    /// As they were at this time; as they were saved last if nothing is said.
    pub at: Option<Timestamp>,
    /// What to do with objects that exist and differ.
    pub conflict: ConflictSpec,
    /// Namespaces to restore under another name. References to them are rewritten.
    pub namespaces: BTreeMap<String, String>,
    /// How long to wait for what must be ready first: a definition to be established, an object that is just being
    /// deleted to be gone. Two minutes if nothing is said.
    #[serde(with = "crate::time::optional")]
    pub wait: Option<Duration>,
}

/// What to do with an object that exists and differs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ConflictSpec {
    /// Leave it as it is.
    #[default]
    Skip,
    /// Set what the backup holds and keep what others own: server-side apply.
    Update,
    /// Make it what the backup holds.
    Replace,
    /// Leave it as it is and count it as failed.
    Fail,
}

impl From<ConflictSpec> for Conflict {
    fn from(spec: ConflictSpec) -> Self {
        match spec {
            ConflictSpec::Skip => Self::Skip,
            ConflictSpec::Update => Self::Update,
            ConflictSpec::Replace => Self::Replace,
            ConflictSpec::Fail => Self::Fail,
        }
    }
}

impl RestoreSpec {
    /// Everything that is saved.
    pub fn all() -> Self {
        Self::default()
    }

    /// Everything in this namespace.
    pub fn namespace(name: impl Into<String>) -> Self {
        Self::objects(ObjectsSpec::default().namespace(name))
    }

    /// These objects.
    pub fn objects(objects: ObjectsSpec) -> Self {
        Self { objects, ..Self::default() }
    }

    /// Of the cluster with this name in the repository.
    #[must_use]
    pub fn of_cluster(mut self, name: impl Into<String>) -> Self {
        self.cluster = Some(name.into());
        self
    }

    /// As it was then, in a person's words: `2026-01-31T12:00:00Z`, `2026-01-31` in local time, or how long ago:
    /// `90s`, `2h`, `1d12h`.
    pub fn at(self, time: &str) -> Result<Self, SpecError> {
        let at = crate::time::parse(time).map_err(|e| SpecError::new("at", e.to_string()))?;
        Ok(self.at_time(at))
    }

    /// As it was then.
    #[must_use]
    pub fn at_time(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// What to do with objects that exist and differ.
    #[must_use]
    pub fn conflict(mut self, conflict: ConflictSpec) -> Self {
        self.conflict = conflict;
        self
    }

    /// Restores namespace `from` as `to`.
    #[must_use]
    pub fn map_namespace(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.namespaces.insert(from.into(), to.into());
        self
    }

    /// How long to wait for what must be ready first.
    #[must_use]
    pub fn wait(mut self, time: Duration) -> Self {
        self.wait = Some(time);
        self
    }

    /// Checks what can be checked without a repository.
    pub fn validate(&self) -> Result<(), SpecError> {
        if self.namespaces.iter().any(|(from, to)| from.is_empty() || to.is_empty()) {
            return Err(SpecError::new("namespaces", "write FROM: TO, for example shop: shop-copy"));
        }
        if self.cluster.as_deref() == Some("") {
            return Err(SpecError::new("cluster", "it is empty"));
        }
        self.objects.validate().map_err(|e| e.within("objects"))
    }

    pub(crate) fn options(&self) -> RestoreOptions {
        let mut options = RestoreOptions::new().conflict(self.conflict.into());
        if let Some(wait) = self.wait {
            options = options.ready_within(wait);
        }
        for (from, to) in &self.namespaces {
            options = options.map_namespace(from.as_str(), to.as_str());
        }
        options
    }
}
