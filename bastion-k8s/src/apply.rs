//! The sink: writes objects into a cluster.

use async_trait::async_trait;
use bastion_core::{
    object::{GroupKind, Kind, ObjectId},
    sink::{Created, Live, Readiness, Sink, SinkError, UpdateMode, Updated},
};
use bytes::Bytes;

use crate::{client::Client, error::Error};

/// The field manager of everything that Bastion writes.
pub const FIELD_MANAGER: &str = "bastion";

/// Writes objects into a cluster.
#[derive(Debug, Clone)]
pub struct ApplySink {
    client: Client,
}

impl ApplySink {
    /// A sink into this cluster.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    fn unfinished(&self) -> SinkError {
        Error::Malformed { doing: format!("writing to {}", self.client.server()), why: "not written yet".into() }.into()
    }
}

#[async_trait]
impl Sink for ApplySink {
    async fn resolve(&self, _kind: &GroupKind, _version: &str) -> Result<Option<Kind>, SinkError> {
        Err(self.unfinished())
    }

    async fn get(&self, _kind: &Kind, _id: &ObjectId) -> Result<Option<Live>, SinkError> {
        Err(self.unfinished())
    }

    async fn create(&self, _kind: &Kind, _id: &ObjectId, _body: Bytes) -> Result<Created, SinkError> {
        Err(self.unfinished())
    }

    async fn update(
        &self,
        _kind: &Kind,
        _id: &ObjectId,
        _body: Bytes,
        _seen: &Live,
        _mode: UpdateMode,
    ) -> Result<Updated, SinkError> {
        Err(self.unfinished())
    }

    async fn remove(&self, _kind: &Kind, _id: &ObjectId, _seen: &Live) -> Result<(), SinkError> {
        Err(self.unfinished())
    }

    async fn ready(&self, _kind: &Kind, _id: &ObjectId) -> Result<Readiness, SinkError> {
        Err(self.unfinished())
    }
}
