//! The memory cluster as a [`Source`], one-shot or continuous.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};

use super::{
    cluster::MemoryCluster,
    selected::{decide, is_inside, shown},
    state::{ClusterState, WatchEvent, namespace_id},
};
use crate::{
    error::Category,
    manifest::Manifest,
    object::{GroupKind, Kind, ObjectId, ResourceVersion, Scope},
    select::{Match, Selection, ServerSide},
    sink::Live,
    source::{Current, KindChange, Observation, Observed, Source, SourceError},
};

/// A view of a [`MemoryCluster`] that Bastion reads from.
#[derive(Debug, Clone)]
pub struct MemorySource {
    cluster: MemoryCluster,
    continuous: bool,
    /// Another name than the selection has.
    policy: Option<Arc<str>>,
    selection: Arc<Selection>,
    /// Lists show no bodies.
    without_content: bool,
}

impl MemoryCluster {
    /// A one-shot source of everything, under the policy `all`.
    pub fn list(&self) -> MemorySource {
        MemorySource::new(self.clone(), false)
    }

    /// A continuous source of everything, under the policy `all`.
    pub fn watch(&self) -> MemorySource {
        MemorySource::new(self.clone(), true)
    }
}

impl MemorySource {
    fn new(cluster: MemoryCluster, continuous: bool) -> Self {
        Self { cluster, continuous, policy: None, selection: Selection::all().into(), without_content: false }
    }

    /// Under another policy's name, whatever is selected.
    #[must_use]
    pub fn policy(self, name: &str) -> Self {
        Self { policy: Some(name.into()), ..self }
    }

    /// What this selection takes only. The cluster filters by labels itself, as an API server does, and a namespace's
    /// annotation counts for what happens after it was set.
    #[must_use]
    pub fn select(self, selection: Selection) -> Self {
        Self { selection: selection.into(), ..self }
    }

    /// What the selection leaves to the cluster.
    fn server_side(&self, kind: &GroupKind, state: &ClusterState) -> ServerSide {
        ServerSide::of(&self.selection, state.kinds.get(kind).map_or(Scope::Cluster, |kind| kind.scope))
    }

    fn listed(&self, state: &ClusterState, kind: &GroupKind, out: &mut VecDeque<Observation>) {
        out.push_back(Observation::Begin(self.server_side(kind, state).coverage()));
        for (id, live) in state.objects.iter().filter(|(id, _)| id.group_kind() == *kind) {
            if let Some(manifest) = shown(&self.selection, &live.body) {
                self.exists(state, id, &manifest, &live.body, &live.resource_version, out);
            }
        }
        if self.without_content {
            for observation in out.iter_mut() {
                if let Observation::Object(Observed { id, resource_version, .. }) = observation {
                    *observation = Observation::Exists { id: id.clone(), at: resource_version.clone() };
                }
            }
        }
        out.push_back(Observation::Complete { at: state.revision.into(), resume: state.revision.into() });
    }

    fn exists(
        &self,
        state: &ClusterState,
        id: &ObjectId,
        manifest: &Manifest,
        body: &Bytes,
        resource_version: &ResourceVersion,
        out: &mut VecDeque<Observation>,
    ) {
        match decide(&self.selection, state, id, manifest, body.len()) {
            Match::Selected => {
                let (id, resource_version, body) = (id.clone(), resource_version.clone(), body.clone());
                out.push_back(Observation::Object(Observed { id, resource_version, body }));
            }
            Match::Unselected(_) => {
                out.push_back(Observation::Unselected { id: id.clone(), at: resource_version.clone() });
            }
            Match::Outside => {}
        }
    }

    /// What happened to this kind after `seen`.
    fn events(&self, state: &ClusterState, kind: &GroupKind, seen: u64, out: &mut VecDeque<Observation>) {
        let of_kind = |event: &&WatchEvent| event.revision > seen && event.id.group_kind() == *kind;
        let proof = self.server_side(kind, state).proof_of_deletion();
        let shown =
            |body: &Option<Bytes>| body.as_ref().and_then(|body| Some((shown(&self.selection, body)?, body.clone())));
        for event in state.events.iter().filter(of_kind).filter(|event| is_inside(&self.selection, &event.id)) {
            let (id, at) = (event.id.clone(), ResourceVersion::from(event.revision));
            if let Some((manifest, body)) = shown(&event.after) {
                self.exists(state, &id, &manifest, &body, &at, out);
            } else if shown(&event.before).is_some() {
                out.push_back(Observation::Gone { id, at, proof });
            }
        }
        // Everything else that happened was of other kinds: a bookmark moves the position past it.
        if state.revision > seen {
            out.push_back(Observation::Mark(state.revision.into()));
        }
    }

    fn error(kind: &GroupKind, category: Category, why: &str) -> SourceError {
        SourceError::new(category, format!("list {kind}: {why}"))
    }
}

/// One kind's stream: what is still to be said, and up to where the cluster was seen.
#[derive(Debug)]
struct Follow {
    source: MemorySource,
    kind: GroupKind,
    seen: Option<u64>,
    pending: VecDeque<Observation>,
    /// How many changes of the cluster were read.
    seen_changes: u64,
    done: bool,
}

impl Follow {
    async fn next(mut self) -> Option<(Result<Observation, SourceError>, Self)> {
        loop {
            if let Some(observation) = self.pending.pop_front() {
                return Some((Ok(observation), self));
            }
            if self.done {
                return None;
            }
            self.seen_changes = self.source.cluster.shared.changes.count();
            if let Err(error) = self.look() {
                self.done = true;
                return Some((Err(error), self));
            }
            self.done |= !self.source.continuous;
            if self.pending.is_empty() && !self.done {
                self.source.cluster.shared.changes.more_than(self.seen_changes).await;
            }
        }
    }

    fn look(&mut self) -> Result<(), SourceError> {
        let state = self.source.cluster.lock();
        if state.forbidden.contains(&self.kind) {
            return Err(MemorySource::error(&self.kind, Category::Denied, "forbidden"));
        }
        if !state.kinds.contains_key(&self.kind) {
            return Err(MemorySource::error(&self.kind, Category::NotFound, "not served"));
        }
        match self.seen {
            Some(seen) if seen > state.revision => {
                self.pending.push_back(Observation::Rewound { now: state.revision.into() });
                self.source.listed(&state, &self.kind, &mut self.pending);
            }
            Some(seen) if seen < state.compacted => {
                self.pending.push_back(Observation::Expired);
                self.source.listed(&state, &self.kind, &mut self.pending);
            }
            Some(seen) => self.source.events(&state, &self.kind, seen, &mut self.pending),
            None => self.source.listed(&state, &self.kind, &mut self.pending),
        }
        self.seen = Some(state.revision);
        Ok(())
    }
}

/// The stream of kinds: those that were reported, and changes that are still to be yielded.
struct Kinds {
    source: MemorySource,
    known: BTreeMap<GroupKind, Kind>,
    pending: VecDeque<KindChange>,
    /// How many changes of the cluster were read.
    seen_changes: u64,
    settled: bool,
}

impl Kinds {
    async fn next(mut self) -> Option<(KindChange, Self)> {
        loop {
            if let Some(change) = self.pending.pop_front() {
                return Some((change, self));
            }
            if self.settled && !self.source.continuous {
                return None;
            }
            self.seen_changes = self.source.cluster.shared.changes.count();
            let mut served = self.source.cluster.lock().kinds.clone();
            served.retain(|_, kind| self.source.selection.takes_kind(kind));
            let gone = self.known.keys().filter(|kind| served.get(kind) != self.known.get(kind)).cloned();
            self.pending.extend(gone.map(|kind| {
                if served.contains_key(&kind) { KindChange::Removed(kind) } else { KindChange::Undefined(kind) }
            }));
            let new = served.values().filter(|kind| self.known.get(&kind.group_kind()) != Some(kind)).cloned();
            self.pending.extend(new.map(KindChange::Added));
            self.known = served;
            if !self.settled {
                self.settled = true;
                self.pending.push_back(KindChange::Settled);
            }
            if self.pending.is_empty() {
                self.source.cluster.shared.changes.more_than(self.seen_changes).await;
            }
        }
    }
}

#[async_trait]
impl Source for MemorySource {
    async fn cluster_uid(&self) -> Result<String, SourceError> {
        let uid = self.cluster.object(&namespace_id("kube-system")).map(|live| live.uid);
        uid.ok_or_else(|| SourceError::new(Category::NotFound, "read namespace kube-system"))
    }

    fn policy(&self) -> Arc<str> {
        self.policy.clone().unwrap_or_else(|| self.selection.policy_name())
    }

    fn selection_fingerprint(&self) -> String {
        self.selection.fingerprint()
    }

    fn kinds(&self) -> BoxStream<'static, KindChange> {
        let kinds = Kinds {
            source: self.clone(),
            known: BTreeMap::new(),
            pending: VecDeque::new(),
            seen_changes: 0,
            settled: false,
        };
        stream::unfold(kinds, Kinds::next).boxed()
    }

    fn observe(
        &self,
        kind: &Kind,
        from: Option<ResourceVersion>,
    ) -> BoxStream<'static, Result<Observation, SourceError>> {
        let follow = Follow {
            source: self.clone(),
            kind: kind.group_kind(),
            // A one-shot source always lists.
            seen: from.filter(|_| self.continuous).and_then(|version| version.number()),
            pending: VecDeque::new(),
            seen_changes: 0,
            done: false,
        };
        stream::unfold(follow, Follow::next).boxed()
    }

    fn compare(&self, kind: &Kind) -> BoxStream<'static, Result<Observation, SourceError>> {
        Self { without_content: true, ..self.clone() }.observe(kind, None)
    }

    async fn get(&self, kind: &Kind, id: &ObjectId) -> Result<Option<Current>, SourceError> {
        let state = self.cluster.lock();
        if state.forbidden.contains(&kind.group_kind()) {
            return Err(Self::error(&kind.group_kind(), Category::Denied, "forbidden"));
        }
        Ok(state.live(id).map(|Live { resource_version, body, .. }| Current {
            selected: shown(&self.selection, &body)
                .is_some_and(|manifest| decide(&self.selection, &state, id, &manifest, body.len()) == Match::Selected),
            observed: Observed { id: id.clone(), resource_version, body },
        }))
    }
}
