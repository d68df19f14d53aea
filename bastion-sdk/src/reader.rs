//! What is saved of one cluster. Needs no cluster.

use bastion_core::{
    hash::Algorithm,
    manifest::Manifest,
    object::ObjectId,
    record::{Revision, Withheld},
    repository::{Repository, Snapshot},
    restore::RestorePlan,
    time::Timestamp,
};

use crate::{
    error::{Error, Result},
    missing::Missing,
    spec::{ObjectWord, ObjectsSpec, RestoreSpec, SpecError},
    stored,
};

/// A cluster's log, read up to the end that it had when the reader was opened. Cheap to clone.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::Arc;
/// # use bastion_sdk::{CancellationToken, Repo, Session, core::memory::MemoryCluster, spec::{BackupSpec, RepositorySpec}};
/// # let folder = tempfile::tempdir()?;
/// # let spec = RepositorySpec::new(format!("file://{}/r", folder.path().display())).create(true);
/// # let town = MemoryCluster::new("town");
/// # town.put(r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"prices","namespace":"shop"},"data":{"tea":"3"}}"#)?;
/// # let session = Session::open(Arc::new(town), Some("town"), Repo::open_to_write(&spec).await?).await?;
/// # session.backup(&BackupSpec::all()).run(CancellationToken::new()).await?;
/// use bastion_sdk::spec::ObjectsSpec;
///
/// let reader = Repo::open(&spec).await?.reader(None, None).await?;
/// let prices = reader.one(&"cm/prices".parse()?, Some("shop")).await?;
/// let newest = reader.revision(&prices, None).await?;
/// assert_eq!(reader.manifest(&newest).await?.text(&["data", "tea"]), Some("3"));
/// assert_eq!(reader.objects(&ObjectsSpec::default().kind("cm".parse()?).namespace("shop"), false).await?.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Reader {
    repository: Repository,
    cluster: String,
    snapshot: Snapshot,
}

impl Reader {
    pub(crate) async fn open(repository: Repository, cluster: String) -> Result<Self> {
        let snapshot = repository.snapshot(&cluster).await?;
        Ok(Self { repository, cluster, snapshot })
    }

    /// The same log as it was then.
    #[must_use]
    pub fn at(self, time: Timestamp) -> Self {
        Self { snapshot: self.snapshot.at(time), ..self }
    }

    /// The cluster's name in the repository.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Which function made the digests.
    pub fn algorithm(&self) -> Algorithm {
        self.repository.info().algorithm
    }

    /// The snapshot of bastion-core, for what this crate does not do.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The repository of bastion-core.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The newest revision of each object that is meant, in the order of their ids; with `gone_too` also of objects
    /// that were deleted or are no longer selected. Words for kinds are those of kubectl; the names of custom resources
    /// come from their stored definitions.
    pub async fn objects(&self, which: &ObjectsSpec, gone_too: bool) -> Result<Vec<Revision>> {
        stored::select(&self.snapshot, which, gone_too).await
    }

    /// The one object that is meant, deleted ones too. Without a namespace it is looked for in all.
    pub async fn one(&self, object: &ObjectWord, namespace: Option<&str>) -> Result<ObjectId> {
        stored::one(&self.snapshot, object, namespace).await
    }

    /// All revisions of an object, newest first.
    pub async fn history(&self, id: &ObjectId) -> Result<Vec<Revision>> {
        Ok(self.snapshot.history(id).await?)
    }

    /// A revision of an object: by its number, or the newest.
    pub async fn revision(&self, id: &ObjectId, number: Option<u64>) -> Result<Revision> {
        let history = self.snapshot.history(id).await?;
        let found = match number {
            Some(n) => history.iter().find(|r| r.number == n),
            None => history.first(),
        };
        found.cloned().ok_or_else(|| no_revision(id, number, &history))
    }

    /// The content of a revision. Its digest is checked.
    pub async fn manifest(&self, revision: &Revision) -> Result<Manifest> {
        stored::manifest(&self.snapshot, revision).await
    }

    /// Plans a restore of this cluster's objects. A spec that names another cluster is an error.
    pub async fn restore_plan(&self, spec: &RestoreSpec) -> Result<RestorePlan> {
        spec.validate()?;
        if let Some(other) = spec.cluster.as_ref().filter(|name| **name != self.cluster) {
            let why = format!("this is the log of {:?}, not of {other:?}", self.cluster);
            return Err(SpecError::new("cluster", why).into());
        }
        let snapshot = match spec.at {
            Some(time) => self.snapshot.clone().at(time),
            None => self.snapshot.clone(),
        };
        stored::plan(&snapshot, spec).await
    }

    /// Deletions that are withheld, and wait for somebody who accepts them.
    pub fn withheld(&self) -> Vec<Withheld> {
        self.snapshot.withheld().into_iter().filter(|w| w.count > 0).collect()
    }
}

fn no_revision(id: &ObjectId, number: Option<u64>, history: &[Revision]) -> Error {
    let newest = history.iter().take(10).map(|r| r.number).collect();
    Missing::Revision { id: id.clone(), number, newest }.into()
}
