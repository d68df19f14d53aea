//! Where objects are restored to: the [`Sink`] trait.

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
    /// Its resourceVersion: an update refuses if it moved on.
    pub resource_version: ResourceVersion,
    /// Its JSON.
    pub body: Bytes,
}

/// What became of a create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It was made.
    Created(Live),
    /// There was one already (a 409, or a 422 or 403 that a GET explained).
    Exists(Live),
}

/// How an existing object is brought to the wanted state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateMode {
    /// Server-side apply: fields that others own and the backup does not name stay.
    Apply,
    /// A PUT: the object becomes what the backup holds.
    Replace,
}

/// What became of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Updated {
    /// It was written.
    Updated(Live),
    /// It had changed since it was seen; nothing was written.
    Changed,
}

/// Whether an object can be built upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Yes: the CRD is established and its kind served, the namespace is active.
    Ready,
    /// Not yet; says what is missing.
    NotYet(String),
    /// It will never be.
    Never(String),
}

/// A cluster that can be written to.
#[async_trait]
pub trait Sink: Debug + Send + Sync + 'static {
    /// How the cluster serves this kind, if it does: `version` where that is served, else the preferred one.
    async fn resolve(&self, kind: &GroupKind, version: &str) -> Result<Option<Kind>, SinkError>;
    /// The object as it is; `None` if there is none.
    async fn get(&self, kind: &Kind, id: &ObjectId) -> Result<Option<Live>, SinkError>;
    /// Creates it. `body` is the object's JSON, complete with apiVersion, kind, name and namespace.
    async fn create(&self, kind: &Kind, id: &ObjectId, body: Bytes) -> Result<Created, SinkError>;
    /// Brings an existing one to this state, unless it changed since it was `seen`.
    async fn update(
        &self,
        kind: &Kind,
        id: &ObjectId,
        body: Bytes,
        seen: &Live,
        mode: UpdateMode,
    ) -> Result<Updated, SinkError>;
    /// Removes it, if it still is the one that was `seen`.
    async fn remove(&self, kind: &Kind, id: &ObjectId, seen: &Live) -> Result<(), SinkError>;
    /// Whether what stands on it can follow.
    async fn ready(&self, kind: &Kind, id: &ObjectId) -> Result<Readiness, SinkError>;
}

/// Why a sink could not write.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
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
