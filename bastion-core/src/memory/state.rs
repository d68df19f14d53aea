//! What the cluster holds, and what writing to it does.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use bytes::Bytes;

use super::{error::MemoryError, kind::kind};
use crate::{
    canonical,
    hash::Digest,
    manifest::{Manifest, PathSet, Value},
    object::{GroupKind, Kind, ObjectId, Scope},
    sink::Live,
};

/// One change, kept for watches.
#[derive(Debug, Clone)]
pub(super) struct WatchEvent {
    pub(super) revision: u64,
    pub(super) id: ObjectId,
    pub(super) before: Option<Bytes>,
    pub(super) after: Option<Bytes>,
}

#[derive(Debug, Clone)]
pub(super) struct ClusterState {
    /// Eight hex digits, the first of every uid.
    seed: String,
    pub(super) revision: u64,
    uids: u64,
    pub(super) kinds: BTreeMap<GroupKind, Kind>,
    pub(super) objects: BTreeMap<ObjectId, Live>,
    pub(super) events: VecDeque<WatchEvent>,
    window: usize,
    /// Events up to here are forgotten.
    pub(super) compacted: u64,
    pub(super) forbidden: BTreeSet<GroupKind>,
    pub(super) establish_after: u32,
    /// CRDs that are not established yet, and how often they are still to be asked for.
    pub(super) pending: BTreeMap<ObjectId, u32>,
}

impl ClusterState {
    pub(super) fn new(name: &str) -> Self {
        use Scope::{Cluster, Namespaced};
        let kinds = [
            kind("", "v1", "ConfigMap", "configmaps", Namespaced),
            kind("", "v1", "Namespace", "namespaces", Cluster),
            kind("", "v1", "Secret", "secrets", Namespaced),
            kind("", "v1", "Service", "services", Namespaced),
            kind("", "v1", "ServiceAccount", "serviceaccounts", Namespaced),
            kind("apps", "v1", "Deployment", "deployments", Namespaced),
            kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", Cluster),
        ];
        Self {
            seed: Digest::of_file(name.as_bytes()).to_string()[..8].to_owned(),
            revision: 0,
            uids: 0,
            kinds: kinds.into_iter().map(|kind| (kind.group_kind(), kind)).collect(),
            objects: BTreeMap::new(),
            events: VecDeque::new(),
            window: 1000,
            compacted: 0,
            forbidden: BTreeSet::new(),
            establish_after: 0,
            pending: BTreeMap::new(),
        }
    }

    pub(super) fn live(&self, id: &ObjectId) -> Option<Live> {
        self.objects.get(id).cloned()
    }

    pub(super) fn manifest(&self, id: &ObjectId) -> Option<Manifest> {
        parse(&self.objects.get(id)?.body)
    }

    pub(super) fn has_namespace(&self, name: &str) -> bool {
        self.objects.contains_key(&namespace_id(name))
    }

    pub(super) fn ensure_namespace(&mut self, name: &str) {
        if self.has_namespace(name) {
            return;
        }
        let mut manifest = Manifest::default();
        manifest.set(&["apiVersion"], "v1".into());
        manifest.set(&["kind"], "Namespace".into());
        manifest.set(&["metadata", "name"], name.into());
        // It has a name and its kind is served: nothing to refuse.
        let _ = self.put(manifest);
    }

    /// Which object this is, if the cluster can hold it.
    pub(super) fn check(&self, manifest: &Manifest) -> Result<ObjectId, MemoryError> {
        let id = manifest.id().ok_or(MemoryError::Unnamed)?;
        let kind = self.kinds.get(&id.group_kind()).ok_or_else(|| MemoryError::UnknownKind(id.group_kind()))?;
        if (kind.scope == Scope::Namespaced) == id.namespace.is_empty() {
            return Err(MemoryError::WrongScope(id.group_kind()));
        }
        if !id.namespace.is_empty() && !self.has_namespace(&id.namespace) {
            return Err(MemoryError::NoNamespace(id.namespace.to_string()));
        }
        Ok(id)
    }

    /// Creates or replaces.
    pub(super) fn put(&mut self, mut manifest: Manifest) -> Result<Live, MemoryError> {
        let id = self.check(&manifest)?;
        let before = self.objects.get(&id).cloned();
        let old = before.as_ref().and_then(|live| parse(&live.body));
        for key in ["uid", "creationTimestamp", "resourceVersion", "generation", "managedFields"] {
            match old.as_ref().and_then(|old| old.get(&["metadata", key])) {
                Some(value) => manifest.set(&["metadata", key], value.clone()),
                None => _ = manifest.remove(&["metadata", key]),
            }
        }
        if let Some(old) = &old {
            if !manifest.root().contains_key("status")
                && let Some(status) = old.root().get("status")
            {
                manifest.set(&["status"], status.clone());
            }
            if *old == manifest {
                // A write that changes nothing has no effect.
                return Ok(before.unwrap_or_else(|| unreachable!("it was parsed from it")));
            }
        }
        let revision = self.next_revision();
        let now = time_of(revision);
        let uid = if let Some(live) = &before {
            live.uid.clone()
        } else {
            manifest.set(&["metadata", "creationTimestamp"], now.clone().into());
            self.next_uid()
        };
        let spec_changed = old.as_ref().is_none_or(|old| old.root().get("spec") != manifest.root().get("spec"));
        let generation = manifest.get(&["metadata", "generation"]).and_then(Value::as_i64).unwrap_or(0);
        manifest.set(&["metadata", "generation"], (generation + i64::from(spec_changed)).into());
        manifest.set(&["metadata", "uid"], uid.as_str().into());
        manifest.set(&["metadata", "resourceVersion"], revision.to_string().into());
        manifest.set(&["metadata", "managedFields"], managed_fields(&manifest, &now));
        let body = Bytes::from(canonical::to_bytes(&manifest));
        let live = Live { uid, resource_version: revision.into(), body: body.clone() };
        self.objects.insert(id.clone(), live.clone());
        self.serve(&id, &manifest, before.is_none());
        self.record(WatchEvent { revision, id, before: before.map(|live| live.body), after: Some(body) });
        Ok(live)
    }

    pub(super) fn delete(&mut self, id: &ObjectId) -> bool {
        let Some(live) = self.objects.remove(id) else { return false };
        if is(id, "", "Namespace") {
            let inside: Vec<_> = self.objects.keys().filter(|other| other.namespace == id.name).cloned().collect();
            for id in &inside {
                self.delete(id);
            }
        }
        if is(id, "apiextensions.k8s.io", "CustomResourceDefinition")
            && let Some(kind) = parse(&live.body).as_ref().and_then(defined_kind)
        {
            let kind = kind.group_kind();
            let of_kind: Vec<_> = self.objects.keys().filter(|id| id.group_kind() == kind).cloned().collect();
            for id in &of_kind {
                self.delete(id);
            }
            self.kinds.remove(&kind);
            self.pending.remove(id);
        }
        let revision = self.next_revision();
        self.record(WatchEvent { revision, id: id.clone(), before: Some(live.body), after: None });
        true
    }

    /// Serves the kind of a new CRD, at once or once it is established.
    fn serve(&mut self, id: &ObjectId, manifest: &Manifest, new: bool) {
        if !is(id, "apiextensions.k8s.io", "CustomResourceDefinition") {
            return;
        }
        if new && self.establish_after > 0 {
            self.pending.insert(id.clone(), self.establish_after);
        } else if !self.pending.contains_key(id)
            && let Some(kind) = defined_kind(manifest)
        {
            self.kinds.insert(kind.group_kind(), kind);
        }
    }

    /// Whether a CRD is established; every ask brings it nearer.
    pub(super) fn established(&mut self, id: &ObjectId) -> bool {
        let Some(asks) = self.pending.get_mut(id) else { return true };
        *asks = asks.saturating_sub(1);
        if *asks > 0 {
            return false;
        }
        self.pending.remove(id);
        if let Some(kind) = self.manifest(id).as_ref().and_then(defined_kind) {
            self.kinds.insert(kind.group_kind(), kind);
        }
        true
    }

    pub(super) fn collect_garbage(&mut self) -> BTreeSet<ObjectId> {
        let mut collected = BTreeSet::new();
        loop {
            let uids: BTreeSet<_> = self.objects.values().map(|live| live.uid.clone()).collect();
            let orphan = |(id, live): (&ObjectId, &Live)| {
                let owners = parse(&live.body)?.owner_references();
                let orphaned = !owners.is_empty() && !owners.iter().any(|owner| uids.contains(&owner.uid));
                orphaned.then(|| id.clone())
            };
            let orphans: Vec<_> = self.objects.iter().filter_map(orphan).collect();
            if orphans.is_empty() {
                return collected;
            }
            for id in &orphans {
                self.delete(id);
            }
            collected.extend(orphans);
        }
    }

    pub(super) fn keep_events(&mut self, window: usize) {
        self.window = window;
        self.trim();
    }

    pub(super) fn compact(&mut self) {
        self.events.clear();
        self.compacted = self.revision;
    }

    fn record(&mut self, event: WatchEvent) {
        self.events.push_back(event);
        self.trim();
    }

    fn trim(&mut self) {
        while self.events.len() > self.window {
            if let Some(event) = self.events.pop_front() {
                self.compacted = event.revision;
            }
        }
    }

    fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    fn next_uid(&mut self) -> String {
        self.uids += 1;
        format!("{}-0000-4000-8000-{:012x}", self.seed, self.uids)
    }
}

pub(super) fn parse(body: &[u8]) -> Option<Manifest> {
    Manifest::parse(body, &PathSet::default()).ok()
}

pub(super) fn namespace_id(name: &str) -> ObjectId {
    ObjectId::new(&GroupKind::new("", "Namespace"), "", name)
}

pub(super) fn is(id: &ObjectId, group: &str, kind: &str) -> bool {
    &*id.group == group && &*id.kind == kind
}

/// The kind that a CRD defines, in its storage version.
fn defined_kind(crd: &Manifest) -> Option<Kind> {
    let versions = crd.get(&["spec", "versions"])?.as_array()?;
    let stored = versions.iter().find(|version| version.get(&["storage"]).and_then(Value::as_bool) == Some(true))?;
    let scope = if crd.text(&["spec", "scope"])? == "Cluster" { Scope::Cluster } else { Scope::Namespaced };
    let text = |path: &[&str]| crd.text(path).map(Arc::from);
    Some(Kind {
        group: text(&["spec", "group"])?,
        version: stored.get(&["name"])?.as_str()?.into(),
        kind: text(&["spec", "names", "kind"])?,
        plural: text(&["spec", "names", "plural"])?,
        scope,
    })
}

/// A clock that ticks with every change: the second of that number of the year 2026.
fn time_of(revision: u64) -> String {
    let seconds = 1_767_225_600_i64.saturating_add(i64::try_from(revision).unwrap_or(i64::MAX));
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// One manager, whose time moves with every write.
fn managed_fields(manifest: &Manifest, now: &str) -> Value {
    let mut entry = Manifest::default();
    entry.set(&["apiVersion"], manifest.api_version().unwrap_or_default().into());
    entry.set(&["fieldsType"], "FieldsV1".into());
    entry.set(&["fieldsV1", "f:metadata"], Value::Object([(".".into(), Value::Object([].into()))].into()));
    entry.set(&["manager"], "memory".into());
    entry.set(&["operation"], "Update".into());
    entry.set(&["time"], now.into());
    Value::Array(vec![entry.into()])
}
