//! Which clusters a repository holds.

use futures::stream::TryStreamExt;

use super::{
    Repository,
    format::keys::{self, ClusterKeys},
    log::Log,
    state::LogState,
};
use crate::{
    error::{Error, Result},
    store::{Key, Store},
    time::Timestamp,
};

/// How many segments at the end of a log are tried.
const TRIED: usize = 4;

/// A cluster that the repository has a log of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterInfo {
    /// Its name in the repository.
    pub name: String,
    /// uid of its namespace kube-system.
    pub uid: String,
    /// Number of its last commit (that can be read).
    pub head: u64,
    /// When that was made.
    pub at: Timestamp,
}

impl Repository {
    /// The clusters that the repository has logs of, by name.
    ///
    /// A cluster whose log cannot be read is left out with a warning; it is an error only if there is no other.
    pub async fn clusters(&self) -> Result<Vec<ClusterInfo>> {
        match self.readable_clusters().await? {
            (clusters, Some(unreadable)) if clusters.is_empty() => Err(unreadable),
            (clusters, _) => Ok(clusters),
        }
    }

    /// The cluster with this uid (of namespace `kube-system`). An error if it is none of those whose logs can be read
    /// and there are others: it may be one of them.
    pub async fn cluster_with_uid(&self, uid: &str) -> Result<Option<ClusterInfo>> {
        let (clusters, unreadable) = self.readable_clusters().await?;
        match (clusters.into_iter().find(|c| c.uid == uid), unreadable) {
            (None, Some(unreadable)) => Err(unreadable),
            (found, _) => Ok(found),
        }
    }

    /// The clusters whose logs can be read, by name, and what is wrong with the first other one.
    async fn readable_clusters(&self) -> Result<(Vec<ClusterInfo>, Option<Error>)> {
        let (mut clusters, mut unreadable) = (Vec::new(), None);
        for folder in cluster_folders(&**self.store()).await? {
            clusters.extend(readable(self.cluster(&folder).await, &mut unreadable)?.flatten());
        }
        clusters.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((clusters, unreadable))
    }

    /// What is known of the cluster in a folder: its newest segment says it, or else one shortly before or
    /// its checkpoint.
    async fn cluster(&self, folder: &ClusterKeys) -> Result<Option<ClusterInfo>> {
        let name = folder.all().to_string();
        let log = Log::with_keys(self, &name, folder.clone());
        let mut unreadable = None;
        let base = readable(log.newest_checkpoint().await, &mut unreadable)?.and_then(|(base, _)| base);
        let numbers = log.numbers_after(base.as_ref().map_or(0, |(c, _)| c.segment)).await?;
        for n in numbers.into_iter().rev().take(TRIED) {
            if let Some(segment) = readable(log.segment(n).await, &mut unreadable)?.flatten() {
                let h = segment.header;
                let (name, uid) = (h.common.cluster.to_string(), h.common.cluster_uid.to_string());
                return Ok(Some(ClusterInfo { name, uid, head: n, at: h.at }));
            }
        }
        match (base, unreadable) {
            (Some((checkpoint, _)), _) => {
                let head = LogState::from_checkpoint(&checkpoint).head;
                let name = checkpoint.common.cluster.to_string();
                Ok(Some(ClusterInfo { name, uid: head.cluster_uid, head: head.number, at: head.at }))
            }
            (None, Some(error)) => {
                tracing::warn!(%error, "cannot read the log of a cluster");
                Err(error)
            }
            (None, None) => Ok(None),
        }
    }
}

/// `None` for what is damaged or needs a newer Bastion; the first such error is kept.
fn readable<T>(read: Result<T>, unreadable: &mut Option<Error>) -> Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error @ (Error::Corrupt { .. } | Error::UnknownFeature { .. })) => {
            unreadable.get_or_insert(error);
            Ok(None)
        }
        Err(error) => Err(error),
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
