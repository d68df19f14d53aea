//! An open repository: what can be done without a cluster.

use std::sync::Arc;

use bastion_core::{
    Error as CoreError,
    hash::Algorithm,
    repository::{ClusterInfo, InitOptions, OpenOptions, Repository, VerifyOptions, VerifyProgress, VerifyReport},
    store::{DryRunStore, Store},
};
use bastion_storage::StoreOptions;

use crate::{
    error::{Error, Result},
    missing::Missing,
    reader::Reader,
    spec::RepositorySpec,
    views::Views,
};

/// An open repository. Cheap to clone.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use bastion_sdk::{Repo, spec::RepositorySpec};
///
/// # let folder = tempfile::tempdir()?;
/// # let url = format!("file://{}/backups", folder.path().display());
/// let repo = Repo::open_to_write(&RepositorySpec::new(url).create(true)).await?;
/// assert!(repo.clusters().await?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Repo {
    inner: Repository,
    keeps_tree: bool,
}

impl Repo {
    /// Opens a repository to read it.
    pub async fn open(spec: &RepositorySpec) -> Result<Self> {
        spec.validate()?;
        let store = bastion_storage::open(&spec.url, &StoreOptions::default().read_only(true)).await?;
        Self::over(store, false, spec).await
    }

    /// Opens a repository to write to it, too. Creates it if there is none and the spec says so.
    pub async fn open_to_write(spec: &RepositorySpec) -> Result<Self> {
        spec.validate()?;
        let store = bastion_storage::open(&spec.url, &StoreOptions::default().create_folder(spec.create)).await?;
        match Self::over(store.clone(), true, spec).await {
            Err(Error::Core(CoreError::NoRepository)) if spec.create => {}
            opened => return opened,
        }
        tracing::info!("creating the repository");
        match Repository::init(store.clone(), InitOptions::default()).await {
            // Somebody else was faster.
            Err(CoreError::RepositoryExists { .. }) => Self::over(store, true, spec).await,
            created => Ok(Self { inner: created?, keeps_tree: spec.keeps_tree() }),
        }
    }

    /// Opens a repository for a dry run: whatever is written to it is kept in memory and counted, and the storage stays
    /// as it is. `tree/` is not kept.
    pub async fn open_dry_run(spec: &RepositorySpec) -> Result<(Self, DryRunStore)> {
        spec.validate()?;
        let store = bastion_storage::open(&spec.url, &StoreOptions::default().read_only(true)).await?;
        let store = DryRunStore::new(store);
        let repo = Self::over(Arc::new(store.clone()), true, &spec.clone().tree(false)).await?;
        Ok((repo, store))
    }

    /// Creates a repository where there is none. The digest cannot be changed later.
    pub async fn create(spec: &RepositorySpec, digest: Algorithm) -> Result<Self> {
        spec.validate()?;
        let store = bastion_storage::open(&spec.url, &StoreOptions::default().create_folder(true)).await?;
        let inner = Repository::init(store, InitOptions::default().algorithm(digest)).await?;
        Ok(Self { inner, keeps_tree: spec.keeps_tree() })
    }

    /// A repository that was opened elsewhere, for example over a store of your own. `tree/` is not kept.
    pub fn new(repository: Repository) -> Self {
        Self { inner: repository, keeps_tree: false }
    }

    async fn over(store: Arc<dyn Store>, write: bool, spec: &RepositorySpec) -> Result<Self> {
        let inner = Repository::open(store, OpenOptions::default().write(write)).await?;
        Ok(Self { inner, keeps_tree: spec.keeps_tree() })
    }

    /// The repository of bastion-core, for what this crate does not do.
    pub fn repository(&self) -> &Repository {
        &self.inner
    }

    /// Whether [`tree/`](crate::spec::RepositorySpec::tree) is kept.
    pub fn keeps_tree(&self) -> bool {
        self.keeps_tree
    }

    /// The clusters that it holds, by name.
    pub async fn clusters(&self) -> Result<Vec<ClusterInfo>> {
        Ok(self.inner.clusters().await?)
    }

    /// Reads a cluster's log, up to its present end. Without a name it is that of the only cluster, or else of the
    /// one that is called `suggested`, which may be a kubeconfig's context.
    pub async fn reader(&self, name: Option<&str>, suggested: Option<&str>) -> Result<Reader> {
        let cluster = match name {
            Some(name) => name.to_owned(),
            None => only(self.clusters().await?, suggested)?,
        };
        Reader::open(self.inner.clone(), cluster).await
    }

    /// [`Repo::reader`] for the cluster that a spec names: by its name in the repository, or else the only one, or the
    /// one that is called like the kubeconfig's context. Nothing is sent to it.
    #[cfg(feature = "k8s")]
    pub async fn reader_for(&self, cluster: &crate::spec::ClusterSpec) -> Result<Reader> {
        match self.reader(cluster.name.as_deref(), None).await {
            Err(ambiguous @ Error::AmbiguousCluster { .. }) => {
                let Ok(client) = crate::cluster::connect(cluster).await else { return Err(ambiguous) };
                self.reader(None, client.context()).await
            }
            reader => reader,
        }
    }

    /// Reads every byte and reports what is damaged or missing.
    pub async fn verify(
        &self,
        options: &VerifyOptions,
        progress: impl Fn(VerifyProgress) + Send + Sync,
    ) -> Result<VerifyReport> {
        Ok(self.inner.verify(options, progress).await?)
    }

    /// The views beside the log of this cluster.
    pub(crate) fn views(&self, cluster: &str) -> Views {
        Views::new(self.keeps_tree.then(|| self.inner.tree_view(cluster)))
    }
}

fn only(mut clusters: Vec<ClusterInfo>, suggested: Option<&str>) -> Result<String> {
    if clusters.is_empty() {
        return Err(Missing::Clusters.into());
    }
    if clusters.len() == 1 {
        return Ok(clusters.remove(0).name);
    }
    let known: Vec<_> = clusters.into_iter().map(|c| c.name).collect();
    match suggested.filter(|name| known.iter().any(|k| k == name)) {
        Some(name) => Ok(name.to_owned()),
        None => Err(Error::AmbiguousCluster { known }),
    }
}
