//! Where objects are restored to: the [`Sink`] trait.
//!
//! bastion-k8s has the sink for real clusters; [`MemoryCluster`](crate::memory::MemoryCluster) is one for tests.
//! A [`RestorePlan`](crate::restore::RestorePlan) is applied to a sink, so few programs call one themselves:
//!
//! ```
//! use bastion_core::{memory::MemoryCluster, object::{GroupKind, ObjectId}, sink::{Created, Sink}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), bastion_core::sink::SinkError> {
//! let cluster = MemoryCluster::new("standby");
//! let config_map = GroupKind::new("", "ConfigMap");
//! let kind = cluster.resolve(&config_map, "v1").await?.unwrap();
//! let id = ObjectId::new(&config_map, "default", "prices");
//! let body = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"prices","namespace":"default"}}"#;
//! assert!(matches!(cluster.create(&kind, &id, body.into()).await?, Created::Created(_)));
//! assert!(matches!(cluster.create(&kind, &id, body.into()).await?, Created::Exists(_)));
//! # Ok(())
//! # }
//! ```

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    failure::{Category, Cause, Failure},
    object::{GroupKind, Kind, ObjectId, ResourceVersion},
};

/// An object as it is live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Its uid.
    pub uid: String,
    /// Its resourceVersion: an update is refused if it has changed since.
    pub resource_version: ResourceVersion,
    /// Its JSON.
    pub body: Bytes,
}

/// The outcome of a create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It was created.
    Created(Live),
    /// It existed already (409, or a 422 or 403 that a GET explained).
    Exists(Live),
}

/// How an existing object is updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateMode {
    /// Server-side apply: fields that the backup does not have and others own stay.
    Apply,
    /// A PUT: the object becomes what the backup holds.
    Replace,
}

/// The outcome of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Updated {
    /// It was written.
    Updated(Live),
    /// It had changed since it was read; nothing was written.
    Changed,
}

/// Whether what depends on an object can follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Yes: the CRD is established and its kind served, the namespace is active.
    Ready,
    /// Not yet, and what is missing.
    NotYet(String),
    /// It never will be, and why.
    Never(String),
}

/// A cluster that can be written to.
///
/// The contract:
/// - `create`, `update` and `remove` are atomic, and on `Ok` the API server has accepted them.
/// - `create` of an object that exists is [`Created::Exists`] and changes nothing, so a restore can be repeated.
/// - `update` and `remove` do nothing to an object that is not the one that was `seen` (uid and resourceVersion).
/// - Sinks may retry what was certainly not carried out. Everything else the caller retries, where the error
///   [can be retried](SinkError::is_retryable): it repeats the call even if an earlier one may have been carried out.
#[async_trait]
pub trait Sink: Debug + Send + Sync + 'static {
    /// How the cluster serves this kind, if it does: in `version` if that is served, else in the preferred one.
    async fn resolve(&self, kind: &GroupKind, version: &str) -> Result<Option<Kind>, SinkError>;
    /// The object as it is; `None` if it does not exist.
    async fn get(&self, kind: &Kind, id: &ObjectId) -> Result<Option<Live>, SinkError>;
    /// Creates it. `body` is the object's JSON, complete with apiVersion, kind, name and namespace.
    async fn create(&self, kind: &Kind, id: &ObjectId, body: Bytes) -> Result<Created, SinkError>;
    /// Updates an existing object, unless it has changed since it was `seen`.
    async fn update(
        &self,
        kind: &Kind,
        id: &ObjectId,
        body: Bytes,
        seen: &Live,
        mode: UpdateMode,
    ) -> Result<Updated, SinkError>;
    /// Removes the object, if it is still the one that was `seen`; `Ok` if it does not exist.
    async fn remove(&self, kind: &Kind, id: &ObjectId, seen: &Live) -> Result<(), SinkError>;
    /// Whether what depends on it can follow: a CRD is established, a namespace active.
    async fn ready(&self, kind: &Kind, id: &ObjectId) -> Result<Readiness, SinkError>;
}

/// Why a sink could not write.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
#[non_exhaustive]
pub struct SinkError {
    /// What was being done, to which object, and what to do about it.
    pub what: String,
    /// What sort of failure.
    pub category: Category,
    /// What the cluster said.
    #[source]
    pub source: Option<Cause>,
}

impl SinkError {
    /// A failure of this category. `what` says what was being done, to which object or kind.
    pub fn new(category: Category, what: impl Into<String>) -> Self {
        Self { what: what.into(), category, source: None }
    }

    /// With what the cluster answered, or what else went wrong beneath.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Option<Cause>>) -> Self {
        self.source = source.into();
        self
    }

    /// What sort of failure this is.
    pub fn category(&self) -> Category {
        self.category
    }

    /// Whether the same write may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.category.is_retryable()
    }
}

impl From<&SinkError> for Failure {
    fn from(error: &SinkError) -> Self {
        Self::new(error.category, error)
    }
}
