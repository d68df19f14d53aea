//! Reading: the states of objects at a moment, their histories, their bodies.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};

use super::{Head, Repository};
use crate::{
    error::{Error, Result},
    object::{GroupKind, ObjectId},
    record::{Extras, Position, State, Version, Withheld},
    time::Timestamp,
};

/// Which objects to read. The default takes every object that exists and is selected by its policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectFilter {
    /// These kinds only; `None` means all.
    pub kinds: Option<Vec<GroupKind>>,
    /// These namespaces only; `None` means all and the objects of the cluster itself. The empty name
    /// stands for these.
    pub namespaces: Option<Vec<Arc<str>>>,
    /// Objects of these names only; `None` means all.
    pub names: Option<Vec<Arc<str>>>,
    /// Objects whose newest state is one of these.
    pub states: Vec<State>,
}

impl Default for ObjectFilter {
    fn default() -> Self {
        Self { kinds: None, namespaces: None, names: None, states: vec![State::Put] }
    }
}

/// A cluster's log, read as of one moment. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Snapshot {
    at: Option<Timestamp>,
}

impl Repository {
    /// Reads the end of a cluster's log. What is committed later is not seen.
    pub async fn snapshot(&self, cluster: &str) -> Result<Snapshot> {
        Err(Error::UnknownCluster { cluster: cluster.to_owned(), known: Vec::new() })
    }
}

impl Snapshot {
    /// The same log as it was at that time.
    #[must_use]
    pub fn at(mut self, time: Timestamp) -> Self {
        self.at = Some(time);
        self
    }

    /// The last segment that was read (the log's end, whatever [`Snapshot::at`] says).
    pub fn head(&self) -> Head {
        Head::default()
    }

    /// The positions that were saved last.
    pub fn positions(&self) -> Vec<Position> {
        Vec::new()
    }

    /// The deletions that the brake holds back.
    pub fn withheld(&self) -> Vec<Withheld> {
        Vec::new()
    }

    /// The newest state at the snapshot's time of every object that the filter takes, in the order of ids.
    pub fn objects(&self, _filter: ObjectFilter) -> BoxStream<'static, Result<Version>> {
        futures::stream::empty().boxed()
    }

    /// All states of an object up to the snapshot's time, newest first.
    pub async fn history(&self, _id: &ObjectId) -> Result<Vec<Version>> {
        Ok(Vec::new())
    }

    /// The bytes that were hashed, checked against the digest. Empty range reads are shared by the bodies
    /// that lie beside each other.
    pub async fn body(&self, version: &Version) -> Result<Bytes> {
        Err(Error::Invalid(format!("{} has no body", version.id)))
    }

    /// What was kept beside the body.
    pub async fn extras(&self, _version: &Version) -> Result<Extras> {
        Ok(Extras::default())
    }
}
