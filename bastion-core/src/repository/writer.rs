//! Writing to the log of a cluster.

use std::{fmt, sync::Arc, time::Duration};

use super::{Batch, Index, Repository};
use crate::{
    error::{Error, Result},
    hash::Digest,
    object::ObjectId,
    record::{Accepted, Position, Withheld},
    time::Timestamp,
};

/// How to write to a cluster's log.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    cluster_uid: String,
    role: String,
    fenced: bool,
    adopt: bool,
    index_capacity: usize,
    give_up_after: Option<Duration>,
}

impl WriterOptions {
    /// A writer for the cluster whose namespace kube-system has this uid. `role` says which sort of writer
    /// it is: `controller`, `watch`, `backup`.
    pub fn new(cluster_uid: impl Into<String>, role: impl Into<String>) -> Self {
        Self {
            cluster_uid: cluster_uid.into(),
            role: role.into(),
            fenced: false,
            adopt: false,
            index_capacity: 200_000,
            give_up_after: None,
        }
    }

    /// Whether only one writer of this role may live: a new one takes over, the older one stops for good.
    #[must_use]
    pub fn fenced(mut self, fenced: bool) -> Self {
        self.fenced = fenced;
        self
    }

    /// Whether to go on with the log although it belongs to another cluster: the next incarnation begins.
    #[must_use]
    pub fn adopt(mut self, adopt: bool) -> Self {
        self.adopt = adopt;
        self
    }

    /// How many objects the index keeps in memory (some 150 bytes each); 200,000 unless said otherwise.
    #[must_use]
    pub fn index_capacity(mut self, objects: usize) -> Self {
        self.index_capacity = objects;
        self
    }

    /// How long to go on trying while the storage is away; for good unless said otherwise.
    #[must_use]
    pub fn give_up_after(mut self, how_long: Option<Duration>) -> Self {
        self.give_up_after = how_long;
        self
    }
}

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// Number of the last segment; 0 where there is none.
    pub number: u64,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// Its time.
    pub at: Timestamp,
    /// The incarnation that the log is in.
    pub incarnation: u32,
    /// uid of namespace kube-system of the cluster that the log belongs to.
    pub cluster_uid: String,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.number, self.digest)
    }
}

/// What is committed beside changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitNotes {
    /// Positions that moved.
    pub positions: Vec<Position>,
    /// Deletions that are withheld now, or no longer (a count of zero).
    pub withheld: Vec<Withheld>,
    /// A person's word that withheld deletions are meant.
    pub accepted: Vec<Accepted>,
}

/// What a commit did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Committed {
    /// The end of the log now.
    pub head: Head,
    /// How many changes were written.
    pub records: usize,
    /// Bytes that were stored for them: segment and packs.
    pub bytes: u64,
    /// How many changes were left out: another writer had written the same or something newer.
    pub stale: usize,
    /// Objects whose newest state another writer wrote since the last commit.
    pub foreign: Vec<ObjectId>,
    /// Words of people that were read since the last commit.
    pub accepted_seen: Vec<Accepted>,
}

/// Writes to the log of one cluster. Several may, each in its own process; see `docs/format.md`.
#[derive(Debug)]
pub struct Writer {
    index: Arc<Index>,
    head: Head,
}

impl Repository {
    /// A writer for the log of a cluster, which is begun where there is none.
    pub async fn writer(&self, _cluster: &str, _options: WriterOptions) -> Result<Writer> {
        self.check_writable()?;
        Err(Error::Invalid("not built yet".into()))
    }
}

impl Writer {
    /// The newest states.
    pub fn index(&self) -> Arc<Index> {
        self.index.clone()
    }

    /// The end of the log as this writer knows it.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The positions that were saved last, of all policies. Those of older incarnations are not among them.
    pub fn positions(&self) -> Vec<Position> {
        Vec::new()
    }

    /// The deletions that are withheld.
    pub fn withheld(&self) -> Vec<Withheld> {
        Vec::new()
    }

    /// An empty batch. It belongs to the incarnation that the log is in now: make a new one after
    /// [`Writer::begin_incarnation`].
    pub fn batch(&self) -> Batch {
        Batch::new()
    }

    /// Commits a batch: durable and visible as one on `Ok`. An empty one with nothing new in the notes
    /// writes nothing.
    ///
    /// While the storage is merely away this waits and tries on. After an error the batch is as it was and
    /// can be committed again; after [`Error::Fenced`] never.
    pub async fn commit(&mut self, _batch: &mut Batch, _notes: &CommitNotes) -> Result<Committed> {
        Ok(Committed::default())
    }

    /// Reads what other writers have committed meanwhile.
    pub async fn catch_up(&mut self) -> Result<Committed> {
        Ok(Committed::default())
    }

    /// Begins the next incarnation: resourceVersions start anew, positions are void. Batches made before
    /// are dropped whole when they are committed.
    pub async fn begin_incarnation(&mut self) -> Result<Head> {
        Ok(self.head.clone())
    }

    /// Writes an index file and a checkpoint if anything was committed since the last one.
    pub async fn checkpoint(&mut self) -> Result<()> {
        Ok(())
    }

    /// Writes a last checkpoint, so that the next start is quick.
    pub async fn close(mut self) -> Result<()> {
        self.checkpoint().await
    }
}
