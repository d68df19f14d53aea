//! Adopting a log: another cluster continues the history of one that is no more.

use std::sync::Arc;

use bastion_core::repository::{ClusterInfo, Head, WriterOptions};

use crate::{
    cluster::Cluster,
    error::{Error, Result},
    repo::Repo,
};

/// A log that a cluster is about to take over. Nothing is written before [`Adoption::confirm`].
///
/// A cluster that was built anew has another uid, so its backup is refused under the old name: two clusters in one log
/// would take each other's objects for deleted. Adopting says that the new one is meant. Its first commit begins an
/// incarnation: the positions of the old cluster are void and everything is compared anew. Every revision stays, and
/// what only the old cluster had is withheld as [deletions](crate::Reader::withheld) that somebody has to accept. A
/// backup of the old cluster that still runs stops at its next commit.
#[derive(Debug, Clone)]
#[must_use = "nothing is adopted before it is confirmed"]
pub struct Adoption {
    repo: Repo,
    log: ClusterInfo,
    uid: String,
}

impl Adoption {
    /// Looks whether `cluster` can take over the log that is called `name`.
    pub async fn of(cluster: &Arc<dyn Cluster>, name: &str, repo: &Repo) -> Result<Self> {
        let uid = cluster.uid().await?;
        if let Some(known) = repo.repository().cluster_with_uid(&uid).await? {
            return Err(Error::NothingToAdopt { uid, known: known.name });
        }
        let clusters = repo.clusters().await?;
        if let Some(log) = clusters.iter().find(|c| c.name == name) {
            return Ok(Self { repo: repo.clone(), log: log.clone(), uid });
        }
        Err(Error::UnknownLog { name: name.to_owned(), known: clusters.into_iter().map(|c| c.name).collect() })
    }

    /// The log, as it is now: the cluster that it belongs to, and its end.
    pub fn log(&self) -> &ClusterInfo {
        &self.log
    }

    /// uid of the cluster that takes it over.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Takes it over. Says where the new incarnation begins.
    ///
    /// # Errors
    ///
    /// [`WrongCluster`](bastion_core::Error::WrongCluster) if the log meanwhile belongs to a third cluster: what is taken
    /// over is [what was looked at](Self::log).
    pub async fn confirm(self) -> Result<Head> {
        let options = WriterOptions::new(&self.uid, "adopt").adopt_from(&self.log.uid);
        let writer = self.repo.repository().writer(&self.log.name, options).await?;
        let head = writer.head().clone();
        writer.close().await?;
        Ok(head)
    }
}
