//! Writing to the log of a cluster.

use std::{fmt, sync::Arc, time::Duration};

use serde::Serialize;

use super::{
    Batch, Index, Repository, checkpoint, format::Common, land::Intent, load::Base, log::Log, state::LogState,
};
use crate::{
    error::{Error, Result},
    hash::{Digest, Hasher},
    object::ObjectId,
    record::{Acknowledgement, Position, Withheld},
    runtime::SharedRuntime,
    time::Timestamp,
};

/// How to write to a cluster's log.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    pub(super) cluster_uid: String,
    role: String,
    fenced: bool,
    adopt_from: Option<String>,
    pub(super) index_capacity: usize,
    give_up_after: Option<Duration>,
}

impl WriterOptions {
    /// A writer for the cluster whose namespace `kube-system` has this uid. The role says what kind of writer it is:
    /// `controller`, `watch`, `backup`.
    pub fn new(cluster_uid: impl Into<String>, role: impl Into<String>) -> Self {
        Self {
            cluster_uid: cluster_uid.into(),
            role: role.into(),
            fenced: false,
            adopt_from: None,
            index_capacity: 1_000_000,
            give_up_after: None,
        }
    }

    /// Whether there can be only one writer of this role: a new one takes over, and the older one stops for good.
    #[must_use]
    pub fn fenced(mut self, fenced: bool) -> Self {
        self.fenced = fenced;
        self
    }

    /// Continues a log that belongs to the cluster with this uid, in a new incarnation. A log that belongs to a third
    /// cluster is still refused.
    #[must_use]
    pub fn adopt_from(mut self, uid: impl Into<String>) -> Self {
        self.adopt_from = Some(uid.into());
        self
    }

    /// How many objects the index keeps in memory, some 150 bytes each; 1,000,000 by default.
    #[must_use]
    pub fn index_capacity(mut self, objects: usize) -> Self {
        self.index_capacity = objects;
        self
    }

    /// How long to retry while the storage is unavailable; without end by default.
    #[must_use]
    pub fn give_up_after(mut self, how_long: Option<Duration>) -> Self {
        self.give_up_after = how_long;
        self
    }
}

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Head {
    /// Number of the last commit; 0 if there is none.
    pub number: u64,
    /// SHA-256 of its segment.
    #[serde(serialize_with = "crate::serialize::display")]
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

/// What is committed together with changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CommitNotes {
    /// Positions that moved.
    pub positions: Vec<Position>,
    /// Deletions that are withheld now, or no longer (a count of zero).
    pub withheld: Vec<Withheld>,
    /// Withheld deletions that somebody acknowledges.
    pub acknowledgements: Vec<Acknowledgement>,
}

impl CommitNotes {
    /// Positions that moved.
    #[must_use]
    pub fn positions(mut self, positions: Vec<Position>) -> Self {
        self.positions = positions;
        self
    }

    /// Deletions that are withheld now, or no longer (a count of zero).
    #[must_use]
    pub fn withheld(mut self, withheld: Vec<Withheld>) -> Self {
        self.withheld = withheld;
        self
    }

    /// Withheld deletions that somebody acknowledges.
    #[must_use]
    pub fn acknowledgements(mut self, acknowledgements: Vec<Acknowledgement>) -> Self {
        self.acknowledgements = acknowledgements;
        self
    }
}

/// What a commit did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Committed {
    /// The end of the log now.
    pub head: Head,
    /// How many changes were written.
    pub records: usize,
    /// Bytes that were stored for them: segment and packs.
    pub bytes: u64,
    /// How many changes were left out because another writer had written the same or something newer.
    pub stale: usize,
    /// Objects whose newest state another writer wrote since the last commit.
    pub foreign: Vec<ObjectId>,
    /// Acknowledgements that were read since the last commit.
    pub acknowledged: Vec<Acknowledgement>,
}

/// Writes to the log of one cluster. Several writers may, each in its own process; see `docs/format.md`.
#[derive(Debug)]
pub struct Writer {
    pub(super) log: Log,
    pub(super) options: WriterOptions,
    /// Names this run.
    pub(super) id: Arc<str>,
    pub(super) role: Arc<str>,
    pub(super) epoch: u64,
    /// The higher epoch that was read: from then on nothing is written.
    pub(super) fenced_by: Option<u64>,
    pub(super) index: Arc<Index>,
    pub(super) state: LogState,
    pub(super) base: Option<Base>,
    /// The highest number of a checkpoint that is taken.
    pub(super) checkpoints: u64,
    /// With how many segments since the last one the next checkpoint is tried.
    pub(super) checkpoint_due: usize,
    /// When the end of the log was last known to be ours to append to, by the runtime's uptime.
    pub(super) in_touch: Duration,
    pub(super) unreported: Unreported,
    pack_header: Arc<Common>,
}

/// What other writers did since the last [`Committed`].
#[derive(Debug, Default)]
pub(super) struct Unreported {
    pub(super) foreign: Vec<ObjectId>,
    pub(super) accepted: Vec<Acknowledgement>,
}

impl Repository {
    /// A writer for the log of a cluster; the log is created if there is none.
    ///
    /// A fenced writer takes over its role at once. [`Error::WrongCluster`] if the log belongs to another cluster,
    /// unless it is the one to [adopt from](WriterOptions::adopt_from): nothing is written then.
    pub async fn writer(&self, cluster: &str, options: WriterOptions) -> Result<Writer> {
        self.check_writable()?;
        if cluster.is_empty() {
            return Err(Error::Invalid("a cluster needs a name".into()));
        }
        let mut log = Log::new(self, cluster);
        log.give_up_after = options.give_up_after;
        let in_touch = log.runtime.uptime();
        let loaded = log.load().await?;
        let logged = &loaded.state.head.cluster_uid;
        let foreign = loaded.state.head.number > 0 && *logged != options.cluster_uid;
        if foreign && options.adopt_from.as_ref() != Some(logged) {
            return Err(Error::WrongCluster {
                name: cluster.to_owned(),
                logged: loaded.state.head.cluster_uid,
                actual: options.cluster_uid,
            });
        }
        let index = Index::new(&log, &loaded, options.index_capacity);
        index.prefill(options.index_capacity).await?;
        let id: Arc<str> = format!("{:016x}{:016x}", log.runtime.random(), log.runtime.random()).into();
        let pack_header = Common {
            cluster: log.cluster.clone(),
            cluster_uid: options.cluster_uid.as_str().into(),
            writer: id.clone(),
            ..Common::default()
        };
        let mut writer = Writer {
            role: options.role.as_str().into(),
            id,
            epoch: 0,
            fenced_by: None,
            index: Arc::new(index),
            state: loaded.state,
            base: loaded.base,
            checkpoints: loaded.checkpoints,
            checkpoint_due: checkpoint::SEGMENTS,
            in_touch,
            unreported: Unreported::default(),
            pack_header: Arc::new(pack_header),
            log,
            options,
        };
        if writer.options.fenced {
            writer.take_over().await?;
        }
        if foreign {
            writer.begin_incarnation().await?;
        }
        Ok(writer)
    }
}

impl Writer {
    /// The newest states.
    pub fn index(&self) -> Arc<Index> {
        self.index.clone()
    }

    /// The runtime that it works with: the repository's.
    pub fn runtime(&self) -> &SharedRuntime {
        &self.log.runtime
    }

    /// Makes digests of contents by the repository's algorithm.
    pub fn hasher(&self) -> Arc<dyn Hasher> {
        self.log.algorithm.hasher()
    }

    /// The end of the log as this writer knows it.
    pub fn head(&self) -> &Head {
        &self.state.head
    }

    /// Our epoch of the role; 0 where it is not fenced.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The positions that were saved last, of all policies. Those of older incarnations are not among them.
    pub fn positions(&self) -> Vec<Position> {
        self.state.positions.values().cloned().collect()
    }

    /// The deletions that are withheld.
    pub fn withheld(&self) -> Vec<Withheld> {
        self.state.withheld.values().cloned().collect()
    }

    /// Acknowledgements that were not acted upon yet: what they acknowledge is still withheld.
    pub fn acknowledgements(&self) -> Vec<Acknowledgement> {
        self.state.accepted.clone()
    }

    /// What every header of ours says.
    pub(super) fn common(&self, cluster_uid: &str) -> Common {
        Common {
            cluster: self.log.cluster.clone(),
            cluster_uid: cluster_uid.into(),
            writer: self.id.clone(),
            ..Common::default()
        }
    }

    /// An empty batch. It belongs to the incarnation that the log is in now: make a new one after
    /// [`Writer::begin_incarnation`].
    pub fn batch(&self) -> Batch {
        Batch::new(&self.log, &self.pack_header, self.state.head.incarnation.max(1))
    }

    /// From now on every operation, also of the index and of batches, and also those under way, gives up after
    /// so long, or as [`WriterOptions::give_up_after`] says if that is earlier.
    pub(crate) fn limit_patience(&self, limit: Option<Duration>) {
        self.log.limit.set(limit);
    }

    /// Commits a batch: durable and visible as one on `Ok`, and the batch is a new, empty one then. Without
    /// anything new in batch and notes nothing is written.
    ///
    /// While the storage is merely away this waits and tries on (see [`WriterOptions::give_up_after`]).
    /// After an error the batch is as it was and can be committed again; after [`Error::Fenced`] never.
    pub async fn commit(&mut self, batch: &mut Batch, notes: &CommitNotes) -> Result<Committed> {
        batch.finish().await?;
        let done = self.land(Intent::Changes, batch, notes).await?;
        *batch = self.batch();
        self.checkpoint_if_due().await;
        Ok(done)
    }

    /// Reads what other writers have committed meanwhile.
    pub async fn catch_up(&mut self) -> Result<Committed> {
        self.read_on().await?;
        self.check_fence()?;
        Ok(self.report())
    }

    /// Begins the next incarnation: resourceVersions start anew, positions are void. Batches made before
    /// are dropped whole when they are committed. Where another writer began one since this one last
    /// looked, that is it.
    pub async fn begin_incarnation(&mut self) -> Result<Head> {
        let intent = Intent::Incarnation { after: self.state.head.incarnation };
        self.land_note(intent).await?;
        Ok(self.state.head.clone())
    }

    /// Commits the next epoch of our role: whoever has a lower one stops.
    async fn take_over(&mut self) -> Result<()> {
        self.land_note(Intent::Epoch).await
    }

    async fn land_note(&mut self, intent: Intent) -> Result<()> {
        let done = self.land(intent, &self.batch(), &CommitNotes::default()).await?;
        // Whoever commits next still wants to know of them.
        self.unreported.foreign.extend(done.foreign);
        self.unreported.accepted.extend(done.acknowledged);
        Ok(())
    }

    /// Writes a last checkpoint, so that the next start is quick.
    pub async fn close(mut self) -> Result<()> {
        self.checkpoint().await
    }
}
