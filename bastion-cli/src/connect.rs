//! From the global arguments to a repository, a cluster, and the name that the one has for the other.

use std::sync::Arc;

use bastion_core::{
    Error,
    hash::Algorithm,
    repository::{OpenOptions, Repository, Snapshot},
    store::Store,
    time::Timestamp,
};
use bastion_k8s::{Client, ConnectOptions};
use bastion_storage::StoreOptions;

use crate::{
    error::{CliError, Result},
    run::App,
};

/// The cluster that is backed up: its name in the repository, and its uid.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) uid: String,
}

/// A log that is being read.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) repo: Repository,
    pub(crate) cluster: String,
    pub(crate) snapshot: Snapshot,
}

impl Reading {
    /// Which function made the digests.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.repo.info().algorithm
    }
}

impl App {
    /// The repository's URL.
    pub(crate) fn repo_url(&self) -> Result<&str> {
        self.global.repo.as_deref().filter(|url| !url.is_empty()).ok_or_else(|| {
            CliError::Usage(
                "which repository? Give --repo URL or set BASTION_REPO, for example file:///var/backups/bastion"
                    .to_owned(),
            )
        })
    }

    /// Where the repository's files lie, or will.
    pub(crate) async fn store(&self, options: StoreOptions) -> Result<Arc<dyn Store>> {
        Ok(bastion_storage::open(self.repo_url()?, &options).await?)
    }

    /// The repository, to read or also to write.
    pub(crate) async fn repository(&self, write: bool) -> Result<Repository> {
        let store = self.store(StoreOptions::default().read_only(!write)).await?;
        Ok(Repository::open(store, OpenOptions::default().write(write)).await?)
    }

    /// The cluster that the arguments name. Nothing is sent yet.
    pub(crate) async fn client(&self) -> Result<Client> {
        let options = ConnectOptions {
            kubeconfig: self.global.kubeconfig.clone(),
            context: self.global.context.clone(),
            ..ConnectOptions::default()
        };
        Ok(bastion_k8s::connect(&options).await?)
    }

    /// Under which name to read: the given one, the only one, or the context's.
    pub(crate) async fn cluster_to_read(&self, repo: &Repository) -> Result<String> {
        if let Some(name) = &self.global.cluster {
            return Ok(name.clone());
        }
        let mut clusters = repo.clusters().await?;
        if clusters.len() == 1 {
            return Ok(clusters.remove(0).name);
        }
        let known: Vec<_> = clusters.into_iter().map(|c| c.name).collect();
        if known.is_empty() {
            return Err(CliError::NothingMatched {
                what: "the repository is empty: no cluster was backed up yet".to_owned(),
                hint: "run `bastion backup` or `bastion watch` first".to_owned(),
            });
        }
        let context = self.client().await.ok().and_then(|c| c.context().map(str::to_owned));
        if let Some(name) = context.filter(|c| known.contains(c)) {
            return Ok(name);
        }
        Err(CliError::Usage(format!("which cluster? Give one of these with --cluster: {}", known.join(", "))))
    }

    /// The log that is to be read, as of now or of another time.
    pub(crate) async fn reading(&self, at: Option<Timestamp>) -> Result<Reading> {
        let repo = self.repository(false).await?;
        let cluster = self.cluster_to_read(&repo).await?;
        let snapshot = repo.snapshot(&cluster).await?;
        let snapshot = match at {
            Some(time) => snapshot.at(time),
            None => snapshot,
        };
        Ok(Reading { repo, cluster, snapshot })
    }

    /// Under which name to write. The cluster's uid decides: one that is known keeps its name, and a name
    /// that belongs to another cluster is refused (by the repository) before anything is written.
    pub(crate) async fn cluster_to_write(&self, repo: &Repository, client: &Client) -> Result<Cluster> {
        let uid = client.cluster_uid().await?;
        let all = repo.clusters().await?;
        if let Some(taken) = self.global.cluster.as_ref().and_then(|name| all.iter().find(|c| c.name == *name))
            && taken.uid != uid
        {
            return Err(Error::WrongCluster { name: taken.name.clone(), logged: taken.uid.clone(), actual: uid }.into());
        }
        let known = repo.cluster_with_uid(&uid).await?;
        let name = match (&self.global.cluster, known) {
            (Some(asked), Some(known)) if *asked != known.name => {
                return Err(CliError::Usage(format!(
                    "this cluster (uid {uid}) is {:?} in the repository, not {asked:?}; nothing was written",
                    known.name
                )));
            }
            (_, Some(known)) => known.name,
            (Some(asked), None) => asked.clone(),
            (None, None) => client.context().map(str::to_owned).ok_or_else(|| {
                CliError::Usage("what is this cluster called? Give its name with --cluster".to_owned())
            })?,
        };
        Ok(Cluster { name, uid })
    }
}
