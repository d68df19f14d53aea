//! The continuous source: every kind is listed and then watched, or its watch resumed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use async_trait::async_trait;
use bastion_core::{
    object::{GroupKind, Kind, ObjectId, ResourceVersion},
    select::Selection,
    source::{Current, KindChange, Observation, Source, SourceError},
};
use futures::stream::{BoxStream, StreamExt};
use tokio::task::JoinHandle;

use crate::{
    client::Client,
    error::Result,
    source::{
        fetch,
        follow::Follower,
        kinds::{self, Aggregated},
        namespaces::{self, Namespaces},
        observer::{Observer, TooLarge},
    },
};

/// Lists every selected kind and then watches it, or resumes from where it was.
///
/// Where annotations decide, one task follows the annotations of namespaces for all kinds; it ends with the source.
#[derive(Debug)]
pub struct WatchSource {
    client: Client,
    selection: Arc<Selection>,
    namespaces: Namespaces,
    follower: OnceLock<AbortOnDrop>,
    aggregated: Aggregated,
    /// By kind, what was reported as too large.
    too_large: Mutex<BTreeMap<GroupKind, TooLarge>>,
}

#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl WatchSource {
    /// A source of what `selection` takes of the cluster.
    pub fn new(client: Client, selection: Selection) -> Result<Self> {
        selection.check()?;
        Ok(Self {
            client,
            namespaces: Namespaces::new(selection.needs().annotations),
            selection: Arc::new(selection),
            follower: OnceLock::new(),
            aggregated: Arc::new(Mutex::default()),
            too_large: Mutex::default(),
        })
    }

    /// What of a kind was reported as too large.
    fn too_large(&self, kind: &Kind) -> TooLarge {
        let mut all = self.too_large.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(kind.group_kind()).or_default().clone()
    }

    /// Decides over the objects of a kind; what it needs to know of namespaces is followed from now on.
    fn observer(&self, kind: &Kind) -> Observer {
        let observer =
            Observer::new(kind.clone(), self.selection.clone(), &self.namespaces).remembering(self.too_large(kind));
        if observer.namespaces.is_some() {
            self.follower
                .get_or_init(|| AbortOnDrop(tokio::spawn(follow(self.namespaces.clone(), self.client.clone()))));
        }
        observer
    }
}

/// Keeps what is known of namespaces up to date, until it is dropped.
async fn follow(namespaces: Namespaces, client: Client) {
    let mut stream = std::pin::pin!(Follower::everything(client, namespaces::kind()).stream());
    while let Some(observation) = stream.next().await {
        match observation {
            Ok(observation) => namespaces.apply(observation),
            Err(error) => tracing::warn!(%error, "cannot watch the annotations of namespaces"),
        }
    }
}

#[async_trait]
impl Source for WatchSource {
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
        kinds::follow(self.client.clone(), self.selection.clone(), self.aggregated.clone())
    }

    fn observe(
        &self,
        kind: &Kind,
        from: Option<ResourceVersion>,
    ) -> BoxStream<'static, Result<Observation, SourceError>> {
        let observer = self.observer(kind);
        // Which namespaces were touched since `from` is told by resourceVersions, and an aggregated API
        // server counts its own: only a list finds what a changed annotation did to its objects.
        let counts_its_own =
            self.aggregated.lock().unwrap_or_else(PoisonError::into_inner).contains(kind.group.as_ref());
        let from = from.filter(|_| !(observer.namespaces.is_some() && counts_its_own));
        Follower::continuous(self.client.clone(), observer, from).stream()
    }

    fn compare(&self, kind: &Kind) -> BoxStream<'static, Result<Observation, SourceError>> {
        Follower::comparing(self.client.clone(), self.observer(kind)).stream()
    }

    async fn get(&self, kind: &Kind, id: &ObjectId) -> Result<Option<Current>, SourceError> {
        Ok(fetch::current(&self.client, &self.selection, Some(&self.namespaces), self.too_large(kind), kind, id)
            .await?)
    }
}
