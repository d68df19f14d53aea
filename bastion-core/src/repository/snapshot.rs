//! Reading a log: objects as of a moment, their histories, their bodies.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};

use super::{
    Head, Repository,
    bodies::Bodies,
    files::{IndexFiles, Range},
    filter::ObjectFilter,
    index::tail_source,
    load::Loaded,
    log::Log,
    merge, order,
};
use crate::{
    canonical,
    error::{Error, Result},
    manifest::Manifest,
    object::ObjectId,
    record::{Acknowledgement, Extras, Position, Revision, Withheld},
    runtime::SharedRuntime,
    time::Timestamp,
};

/// Bodies that are read at once, where labels decide.
const AHEAD: usize = 16;

/// A cluster's log, read as of one moment. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Snapshot {
    loaded: Arc<Loaded>,
    files: IndexFiles,
    bodies: Arc<Bodies>,
    at: Option<Timestamp>,
}

impl Repository {
    /// A snapshot of the present end of a cluster's log. Later commits are not part of it.
    pub async fn snapshot(&self, cluster: &str) -> Result<Snapshot> {
        let log = Log::new(self, cluster);
        let loaded = log.load().await?;
        if loaded.state.head.number == 0 {
            let known = self.clusters().await?.into_iter().map(|c| c.name).collect();
            return Err(Error::UnknownCluster { cluster: cluster.to_owned(), known });
        }
        Ok(Snapshot {
            files: IndexFiles::new(&log, loaded.indexes()),
            bodies: Arc::new(Bodies::new(&log, self.hasher())),
            loaded: Arc::new(loaded),
            at: None,
        })
    }
}

impl Snapshot {
    /// The runtime of the repository.
    pub(crate) fn runtime(&self) -> &SharedRuntime {
        self.bodies.runtime()
    }

    /// The same log as it was at that time.
    #[must_use]
    pub fn at(mut self, time: Timestamp) -> Self {
        self.at = Some(time);
        self
    }

    /// The end of the log, whatever [`Snapshot::at`] says.
    pub fn head(&self) -> &Head {
        &self.loaded.state.head
    }

    /// The positions that were saved last.
    pub fn positions(&self) -> Vec<Position> {
        self.loaded.state.positions.values().cloned().collect()
    }

    /// The deletions that the brake withholds.
    pub fn withheld(&self) -> Vec<Withheld> {
        self.loaded.state.withheld.values().cloned().collect()
    }

    /// Acknowledgements of withheld deletions that have not taken effect yet.
    pub fn acknowledgements(&self) -> Vec<Acknowledgement> {
        self.loaded.state.accepted.clone()
    }

    /// The highest epoch of each role that has any.
    pub fn epochs(&self) -> Vec<(Arc<str>, u64)> {
        self.loaded.state.epochs.iter().map(|(role, epoch)| (role.clone(), *epoch)).collect()
    }

    /// The newest state at the snapshot's time of every object that the filter takes, in the order of ids.
    ///
    /// Where the filter asks for labels, an object whose body is damaged is an `Err` item; the others follow it.
    pub fn objects(&self, filter: ObjectFilter) -> BoxStream<'static, Result<Revision>> {
        let newest = self.taken(filter, self.at.is_some());
        newest.try_filter_map(|revisions| async { Ok(revisions.into_iter().next()) }).boxed()
    }

    /// All states of an object up to the snapshot's time, newest first.
    pub async fn history(&self, id: &ObjectId) -> Result<Vec<Revision>> {
        // Sources of one object yield it once or not at all.
        let mut arranged = std::pin::pin!(self.merged(&Range::Object(id.clone()), true));
        Ok(arranged.try_next().await?.unwrap_or_default())
    }

    /// The states of every object up to the snapshot's time, newest first, in the order of ids. Damaged bodies are as
    /// for [`objects`](Self::objects).
    pub fn histories(&self, filter: ObjectFilter) -> BoxStream<'static, Result<Vec<Revision>>> {
        self.taken(filter, true).boxed()
    }

    /// The states of each object that the filter takes, as [`merged`](Self::merged) has them.
    fn taken(&self, filter: ObjectFilter, all: bool) -> impl Stream<Item = Result<Vec<Revision>>> + Send + 'static {
        let this = self.clone();
        let merged = stream::iter(filter.ranges()).flat_map(move |range| this.merged(&range, all).boxed());
        let (this, filter) = (self.clone(), Arc::new(filter));
        let judged = merged.map(move |revisions| {
            let (this, filter) = (this.clone(), filter.clone());
            async move {
                let revisions = revisions?;
                let Some(newest) = revisions.first() else { return Ok(None) };
                Ok(this.matches(&filter, newest).await?.then_some(revisions))
            }
        });
        judged.buffered(AHEAD).try_filter_map(|taken| async { Ok(taken) })
    }

    /// Whether the filter takes an object, by its newest state. Its body is read for its labels alone.
    async fn matches(&self, filter: &ObjectFilter, newest: &Revision) -> Result<bool> {
        if !filter.takes(newest) || filter.labels.is_none() {
            return Ok(filter.takes(newest));
        }
        Ok(filter.takes_labels(&self.manifest(newest).await?))
    }

    /// The object as it was hashed, its digest checked.
    pub async fn manifest(&self, revision: &Revision) -> Result<Manifest> {
        let body = self.body(revision).await?;
        canonical::from_bytes(&body).map_err(|error| Error::Object {
            id: revision.id.clone(),
            why: "its stored content cannot be parsed".into(),
            source: Some(error.into()),
        })
    }

    /// The body of a revision, in canonical form, checked against its digest. Neighbouring bodies share a read.
    pub async fn body(&self, revision: &Revision) -> Result<Bytes> {
        self.bodies.body(revision).await
    }

    /// What was kept beside the body of a revision.
    pub async fn extras(&self, revision: &Revision) -> Result<Extras> {
        self.bodies.extras(revision).await
    }

    /// The states of each object up to the snapshot's time, newest first; without `all` only those that may
    /// be the newest.
    fn merged(&self, range: &Range, all: bool) -> impl Stream<Item = Result<Vec<Revision>>> + Send + 'static {
        let mut sources = self.files.sources(range, all);
        sources.push(tail_source(&self.loaded.tail, range));
        let at = self.at;
        merge::merge(sources).try_filter_map(move |mut revisions| {
            revisions.retain(|v| at.is_none_or(|at| v.at <= at));
            let arranged = (!revisions.is_empty()).then(|| order::arrange(revisions));
            async { Ok(arranged) }
        })
    }
}
