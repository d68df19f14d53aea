//! The one-shot source: every kind is listed once.

use std::sync::Arc;

use async_trait::async_trait;
use bastion_core::{
    object::{Kind, ObjectId, ResourceVersion},
    select::Selection,
    source::{Current, KindChange, Observation, Source, SourceError},
};
use futures::stream::{BoxStream, StreamExt};
use tokio::sync::OnceCell;

use crate::{
    client::Client,
    error::Result,
    source::{
        fetch,
        follow::Follower,
        kinds,
        namespaces::Namespaces,
        observer::{Observer, TooLarge},
    },
};

/// Lists every selected kind once; its streams end.
#[derive(Debug, Clone)]
pub struct ListSource {
    client: Client,
    selection: Arc<Selection>,
    /// The annotations of namespaces as they were when the first kind asked.
    namespaces: Arc<OnceCell<Namespaces>>,
}

impl ListSource {
    /// A source of what `selection` takes of the cluster.
    pub fn new(client: Client, selection: Selection) -> Result<Self> {
        selection.check()?;
        Ok(Self { client, selection: Arc::new(selection), namespaces: Arc::default() })
    }

    async fn namespaces(&self) -> Result<Namespaces> {
        let keys = self.selection.needs().annotations;
        if keys.is_empty() {
            return Ok(Namespaces::new(keys));
        }
        self.namespaces.get_or_try_init(|| Namespaces::load(&self.client, keys)).await.cloned()
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
        let (client, selection) = (self.client.clone(), self.selection.clone());
        futures::stream::once(async move { futures::stream::iter(kinds::once(&client, &selection).await) })
            .flatten()
            .boxed()
    }

    /// Always a list: `from` is for those who watch.
    fn observe(
        &self,
        kind: &Kind,
        _from: Option<ResourceVersion>,
    ) -> BoxStream<'static, Result<Observation, SourceError>> {
        let (source, kind) = (self.clone(), kind.clone());
        futures::stream::once(async move {
            match source.namespaces().await {
                Ok(namespaces) => {
                    let observer = Observer::new(kind, source.selection, &namespaces);
                    Follower::once(source.client, observer).stream()
                }
                Err(error) => futures::stream::iter([Err(error.into())]).boxed(),
            }
        })
        .flatten()
        .boxed()
    }

    fn compare(&self, kind: &Kind) -> BoxStream<'static, Result<Observation, SourceError>> {
        self.observe(kind, None)
    }

    async fn get(&self, kind: &Kind, id: &ObjectId) -> Result<Option<Current>, SourceError> {
        Ok(fetch::current(&self.client, &self.selection, self.namespaces.get(), TooLarge::default(), kind, id).await?)
    }
}
