//! Which clusters a repository holds.

use super::Repository;
use crate::{error::Result, time::Timestamp};

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
        Ok(Vec::new())
    }

    /// Under which name the cluster with this uid (of namespace kube-system) is known here.
    pub async fn cluster_with_uid(&self, uid: &str) -> Result<Option<ClusterInfo>> {
        Ok(self.clusters().await?.into_iter().find(|c| c.uid == uid))
    }
}
