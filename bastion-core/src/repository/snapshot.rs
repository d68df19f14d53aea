//! Reading: the states of objects at a moment, their histories, their bodies.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};

use super::{
    Head, Repository,
    bodies::Bodies,
    files::{IndexFiles, Range},
    index::tail_source,
    load::Loaded,
    log::Log,
    merge, order,
};
use crate::{
    error::{Error, Result},
    object::{GroupKind, ObjectId},
    record::{Acknowledgement, Extras, Position, Revision, RevisionState, Withheld},
    runtime::SharedRuntime,
    time::Timestamp,
};

/// Which objects to read. The default takes every object that exists and is selected by its policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectFilter {
    /// These kinds only; `None` means all.
    pub kinds: Option<Vec<GroupKind>>,
    /// These namespaces only; `None` means all and the objects of the cluster itself. The empty name
    /// stands for these.
    pub namespaces: Option<Vec<Arc<str>>>,
    /// Objects of these names only; `None` means all.
    pub names: Option<Vec<Arc<str>>>,
    /// Objects whose newest state is one of these.
    pub states: Vec<RevisionState>,
}

impl Default for ObjectFilter {
    fn default() -> Self {
        Self { kinds: None, namespaces: None, names: None, states: vec![RevisionState::Put] }
    }
}

impl ObjectFilter {
    fn takes(&self, revision: &Revision) -> bool {
        let id = &revision.id;
        self.states.contains(&revision.state)
            && self.namespaces.as_ref().is_none_or(|all| all.contains(&id.namespace))
            && self.names.as_ref().is_none_or(|all| all.contains(&id.name))
    }

    /// What to read for it: kind by kind, in the order of ids.
    fn ranges(&self) -> Vec<Range> {
        match &self.kinds {
            None => vec![Range::All],
            Some(kinds) => kinds.iter().cloned().collect::<BTreeSet<_>>().into_iter().map(Range::Kind).collect(),
        }
    }
}

/// A cluster's log, read as of one moment. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Snapshot {
    loaded: Arc<Loaded>,
    files: IndexFiles,
    bodies: Arc<Bodies>,
    at: Option<Timestamp>,
}

impl Repository {
    /// Reads the end of a cluster's log. What is committed later is not seen.
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

    /// The last segment that was read (the log's end, whatever [`Snapshot::at`] says).
    pub fn head(&self) -> &Head {
        &self.loaded.state.head
    }

    /// The positions that were saved last.
    pub fn positions(&self) -> Vec<Position> {
        self.loaded.state.positions.values().cloned().collect()
    }

    /// The deletions that the brake holds back.
    pub fn withheld(&self) -> Vec<Withheld> {
        self.loaded.state.withheld.values().cloned().collect()
    }

    /// Acknowledgements of withheld deletions that were not acted upon yet.
    pub fn acknowledgements(&self) -> Vec<Acknowledgement> {
        self.loaded.state.accepted.clone()
    }

    /// The highest epoch of each role that has any.
    pub fn epochs(&self) -> Vec<(Arc<str>, u64)> {
        self.loaded.state.epochs.iter().map(|(role, epoch)| (role.clone(), *epoch)).collect()
    }

    /// The newest state at the snapshot's time of every object that the filter takes, in the order of ids.
    pub fn objects(&self, filter: ObjectFilter) -> BoxStream<'static, Result<Revision>> {
        let this = self.clone();
        let ranges = stream::iter(filter.ranges());
        let newest = ranges.flat_map(move |range| this.merged(&range, this.at.is_some()).boxed());
        newest
            .try_filter_map(move |revisions| {
                let newest = revisions.into_iter().next().filter(|v| filter.takes(v));
                async { Ok(newest) }
            })
            .boxed()
    }

    /// All states of an object up to the snapshot's time, newest first.
    pub async fn history(&self, id: &ObjectId) -> Result<Vec<Revision>> {
        // Sources of one object yield it once or not at all.
        let mut arranged = std::pin::pin!(self.merged(&Range::Object(id.clone()), true));
        Ok(arranged.try_next().await?.unwrap_or_default())
    }

    /// The states of every object up to the snapshot's time, newest first, in the order of ids.
    pub fn histories(&self, filter: ObjectFilter) -> BoxStream<'static, Result<Vec<Revision>>> {
        let this = self.clone();
        let ranges = stream::iter(filter.ranges());
        let all = ranges.flat_map(move |range| this.merged(&range, true).boxed());
        all.try_filter(move |revisions| {
            let takes = revisions.first().is_some_and(|v| filter.takes(v));
            async move { takes }
        })
        .boxed()
    }

    /// The bytes that were hashed, checked against the digest. Bodies that lie beside each other share a
    /// read.
    pub async fn body(&self, revision: &Revision) -> Result<Bytes> {
        self.bodies.body(revision).await
    }

    /// What was kept beside the body.
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
