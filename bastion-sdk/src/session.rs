//! A cluster and its log: what needs both.

use std::sync::Arc;

use bastion_core::sink::Sink;

use crate::{
    backup::{Backup, Mode},
    cluster::Cluster,
    error::Result,
    reader::Reader,
    repo::Repo,
    restore::Restore,
    spec::{BackupSpec, RestoreSpec},
};

mod settle;

/// A cluster, a repository, and the name that the one has in the other. Cheap to clone.
///
/// See the [crate's page](crate) for an example.
#[derive(Debug, Clone)]
pub struct Session {
    cluster: Arc<dyn Cluster>,
    repo: Repo,
    name: String,
    uid: String,
}

impl Session {
    /// Connects to a cluster, opens the repository to write (or creates it, if its spec says so), and settles what the
    /// cluster is called there.
    #[cfg(feature = "k8s")]
    pub async fn connect(cluster: &crate::spec::ClusterSpec, repository: &crate::spec::RepositorySpec) -> Result<Self> {
        let client = crate::cluster::connect(cluster).await?;
        Self::open(Arc::new(client), cluster.name.as_deref(), Repo::open_to_write(repository).await?).await
    }

    /// A session of any cluster with an open repository.
    ///
    /// The uid of the cluster decides what it is called: a cluster that the repository knows keeps its name, a name
    /// that belongs to another cluster is refused, and a new one is called `name`, or what its connection suggests.
    /// Nothing is written.
    pub async fn open(cluster: Arc<dyn Cluster>, name: Option<&str>, repo: Repo) -> Result<Self> {
        let uid = cluster.uid().await?;
        let mut clusters = repo.clusters().await?;
        // Where a log cannot be read, its cluster may be this one: that is an error and no new cluster.
        if let Some(known) = repo.repository().cluster_with_uid(&uid).await?
            && !clusters.contains(&known)
        {
            clusters.push(known);
        }
        let name = settle::settle(name, cluster.suggested_name(), &uid, &clusters)?;
        Ok(Self { cluster, repo, name, uid })
    }

    /// What the cluster is called in the repository.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// uid of the cluster's namespace kube-system.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// The repository.
    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// The cluster.
    pub fn cluster(&self) -> &Arc<dyn Cluster> {
        &self.cluster
    }

    /// Writes to the cluster.
    pub fn sink(&self) -> Arc<dyn Sink> {
        self.cluster.sink()
    }

    /// What is saved of this cluster, up to now.
    pub async fn reader(&self) -> Result<Reader> {
        self.repo.reader(Some(&self.name), None).await
    }

    /// Backs up once: lists what is selected and saves what changed.
    pub fn backup(&self, spec: &BackupSpec) -> Backup {
        self.backup_in(Mode::Once, spec)
    }

    /// Backs up continuously: saves every change as it happens, until it is cancelled.
    pub fn follow(&self, spec: &BackupSpec) -> Backup {
        self.backup_in(Mode::Continuous, spec)
    }

    fn backup_in(&self, mode: Mode, spec: &BackupSpec) -> Backup {
        Backup::new(self.cluster.clone(), self.repo.clone(), self.name.clone(), self.uid.clone(), mode, spec.clone())
    }

    /// Brings the repository's views of this cluster up to date. Whoever [prepares](Backup::prepare) a single backup
    /// himself calls it after the run.
    pub async fn update_views(&self) {
        self.repo.views(&self.name).update().await;
    }

    /// Restores into this cluster: what was saved of it, or of another one if the spec names it.
    pub fn restore(&self, spec: &RestoreSpec) -> Restore {
        let from = spec.cluster.clone().unwrap_or_else(|| self.name.clone());
        Restore::new(self.repo.clone(), from, self.cluster.clone(), spec.clone())
    }
}
