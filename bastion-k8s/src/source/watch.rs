//! The continuous source: every kind is listed and then watched, or its watch resumed.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use bastion_core::{
    object::{Kind, ObjectId, ResourceVersion},
    select::{Mode, Selection},
    source::{Current, KindChange, Observation, Source, SourceError},
};
use futures::stream::BoxStream;
use tokio::task::JoinHandle;

use crate::{
    client::Client,
    discovery::kinds::{self, Aggregated},
    error::Result,
    source::{fetch, follow::Follower, judge::Judge, namespaces::Namespaces},
};

/// Lists every selected kind and then watches it, or resumes from where it was.
///
/// In annotated mode one task follows the annotations of namespaces for all kinds; it ends with the source.
#[derive(Debug)]
pub struct WatchSource {
    client: Client,
    selection: Arc<Selection>,
    namespaces: Namespaces,
    follower: OnceLock<AbortOnDrop>,
    aggregated: Aggregated,
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
            selection: Arc::new(selection),
            namespaces: Namespaces::new(),
            follower: OnceLock::new(),
            aggregated: Arc::new(Mutex::default()),
        })
    }

    fn annotated(&self) -> bool {
        self.selection.mode == Mode::Annotated
    }

    /// Judges the objects of a kind; what it needs to know of namespaces is followed from now on.
    fn judge(&self, kind: &Kind) -> Judge {
        let judge = Judge::new(kind.clone(), self.selection.clone(), &self.namespaces);
        if judge.namespaces.is_some() {
            self.follower
                .get_or_init(|| AbortOnDrop(tokio::spawn(self.namespaces.clone().follow(self.client.clone()))));
        }
        judge
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
        let judge = self.judge(kind);
        // Which namespaces were touched since `from` is told by resourceVersions, and an aggregated API
        // server counts its own: only a list finds what a changed annotation did to its objects.
        let counts_its_own =
            self.aggregated.lock().unwrap_or_else(PoisonError::into_inner).contains(kind.group.as_ref());
        let from = from.filter(|_| !(judge.namespaces.is_some() && counts_its_own));
        Follower::continuous(self.client.clone(), judge, from).stream()
    }

    fn compare(&self, kind: &Kind) -> BoxStream<'static, Result<Observation, SourceError>> {
        Follower::comparing(self.client.clone(), self.judge(kind)).stream()
    }

    async fn get(&self, kind: &Kind, id: &ObjectId) -> Result<Option<Current>, SourceError> {
        let known = self.annotated().then_some(&self.namespaces);
        Ok(fetch::current(&self.client, &self.selection, known, kind, id).await?)
    }
}
