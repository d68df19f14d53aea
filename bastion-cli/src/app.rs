//! What every command works with: the arguments of all commands, as specs, and the output.

use std::sync::Arc;

use bastion_sdk::{
    Reader, Repo, Session,
    cluster::connect,
    core::{store::DryRunStore, time::Timestamp},
    k8s::Client,
    spec::{ClusterSpec, RepositorySpec},
};

use crate::{
    args::{Global, TreeArgs},
    error::Result,
    output::Out,
};

/// What every command gets.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) global: Global,
    pub(crate) out: Out,
}

impl App {
    /// The cluster that the arguments name.
    pub(crate) fn cluster(&self) -> ClusterSpec {
        self.global.cluster()
    }

    /// The repository that the arguments name.
    pub(crate) fn repository(&self) -> Result<RepositorySpec> {
        self.global.repository()
    }

    /// The repository, opened to read.
    pub(crate) async fn repo(&self) -> Result<Repo> {
        Ok(Repo::open(&self.repository()?).await?)
    }

    /// A connection to the cluster. Nothing is sent yet.
    pub(crate) async fn client(&self) -> Result<Client> {
        Ok(connect(&self.cluster()).await?)
    }

    /// The cluster with its log, to write.
    pub(crate) async fn session(&self, tree: TreeArgs) -> Result<Session> {
        Ok(Session::connect(&self.cluster(), &tree.of(self.repository()?)).await?)
    }

    /// The same, where what is written stays in memory.
    pub(crate) async fn dry_run(&self) -> Result<(Session, DryRunStore)> {
        let (repo, written) = Repo::open_dry_run(&self.repository()?).await?;
        let cluster = self.cluster();
        let client = connect(&cluster).await?;
        Ok((Session::open(Arc::new(client), cluster.name.as_deref(), repo).await?, written))
    }

    /// The log that is to be read, as of now or of another time.
    pub(crate) async fn reader(&self, at: Option<Timestamp>) -> Result<Reader> {
        let reader = self.repo().await?.reader_for(&self.cluster()).await?;
        Ok(match at {
            Some(time) => reader.at(time),
            None => reader,
        })
    }
}
