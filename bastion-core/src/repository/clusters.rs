//! Which clusters a repository holds.

use futures::stream::TryStreamExt;

use super::{
    Repository,
    format::keys::{self, ClusterKeys},
    load::Base,
    log::Log,
    state::LogState,
};
use crate::{
    error::Result,
    store::{Key, Store},
    time::Timestamp,
};

/// A cluster that the repository holds a log of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterInfo {
    /// Its name in the repository.
    pub name: String,
    /// uid of its namespace kube-system.
    pub uid: String,
    /// Number of its newest segment.
    pub head: u64,
    /// That segment's time.
    pub at: Timestamp,
}

impl Repository {
    /// The clusters that the repository holds logs of, by name.
    pub async fn clusters(&self) -> Result<Vec<ClusterInfo>> {
        let mut clusters = Vec::new();
        for folder in cluster_folders(&**self.store()).await? {
            clusters.extend(self.cluster(folder).await?);
        }
        clusters.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(clusters)
    }

    /// Under which name the cluster with this uid (of namespace kube-system) is known here.
    pub async fn cluster_with_uid(&self, uid: &str) -> Result<Option<ClusterInfo>> {
        Ok(self.clusters().await?.into_iter().find(|c| c.uid == uid))
    }

    /// What is known of the cluster in a folder: its newest segment says it, or else its checkpoint.
    async fn cluster(&self, folder: ClusterKeys) -> Result<Option<ClusterInfo>> {
        let name = folder.all().to_string();
        let log = Log::with_keys(self, &name, folder);
        let (base, _) = log.newest_checkpoint().await?;
        let base = base.map(|(checkpoint, digest)| Base { checkpoint, digest });
        let covered = base.as_ref().map_or(0, |b| b.checkpoint.segment);
        let numbers = log.numbers_after(covered).await?;
        if let Some(n) = numbers.last()
            && let Some(segment) = log.segment(*n).await?
        {
            let h = segment.header;
            let (name, uid) = (h.common.cluster.to_string(), h.common.cluster_uid.to_string());
            return Ok(Some(ClusterInfo { name, uid, head: *n, at: h.at }));
        }
        Ok(base.map(|b| {
            let head = LogState::from_checkpoint(&b.checkpoint).head;
            let name = b.checkpoint.common.cluster.to_string();
            ClusterInfo { name, uid: head.cluster_uid, head: head.number, at: head.at }
        }))
    }
}

/// The folder of each cluster.
pub(super) async fn cluster_folders(store: &dyn Store) -> Result<Vec<ClusterKeys>> {
    let mut folders = Vec::new();
    let mut after: Option<Key> = None;
    // One key of each folder.
    while let Some(meta) = store.list(&keys::clusters(), after.as_ref()).try_next().await? {
        after = Some(meta.key.clone());
        if let Some(folder) = ClusterKeys::of(&meta.key) {
            // `~` lies behind everything in it.
            after = Key::parse(&format!("{}~", folder.all())).or(after);
            folders.push(folder);
        }
    }
    Ok(folders)
}
