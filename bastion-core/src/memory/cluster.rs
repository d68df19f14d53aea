use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{changes::Changes, error::MemoryError, state::ClusterState};
use crate::{
    manifest::{Manifest, PathSet, Value},
    object::{GroupKind, Kind, ObjectId},
    sink::Live,
};

/// A cluster in memory. Clones are the same cluster.
#[derive(Debug, Clone)]
pub struct MemoryCluster {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) state: Mutex<ClusterState>,
    pub(super) changes: Changes,
}

/// A snapshot by [`MemoryCluster::save_etcd`].
#[derive(Debug, Clone)]
pub struct EtcdBackup(ClusterState);

impl MemoryCluster {
    /// A new cluster with the namespaces `default` and `kube-system`. Its uids derive from the name: two clusters
    /// of one name are the same cluster to Bastion.
    pub fn new(name: &str) -> Self {
        let shared = Shared { state: Mutex::new(ClusterState::new(name)), changes: Changes::default() };
        let cluster = Self { shared: Arc::new(shared) };
        for namespace in ["default", "kube-system"] {
            cluster.lock().ensure_namespace(namespace);
        }
        cluster
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, ClusterState> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut ClusterState) -> T) -> T {
        let result = change(&mut self.lock());
        self.shared.changes.notify();
        result
    }

    /// Serves a kind from now on, without a CRD. `ConfigMap`, `Secret`, `Namespace`, `ServiceAccount`, `Service`,
    /// `Deployment` and `CustomResourceDefinition` are there from the start.
    pub fn add_kind(&self, kind: Kind) {
        self.change(|state| _ = state.kinds.insert(kind.group_kind(), kind));
    }

    /// The kinds that are served.
    pub fn served(&self) -> Vec<Kind> {
        self.lock().kinds.values().cloned().collect()
    }

    /// Creates or replaces an object, and creates its namespace if it is missing. An object without `status` keeps
    /// the one it had.
    pub fn put(&self, json: impl AsRef<[u8]>) -> Result<Live, MemoryError> {
        let manifest = Manifest::parse(json.as_ref(), &PathSet::default())?;
        self.change(|state| {
            if let Some(namespace) = manifest.namespace() {
                state.ensure_namespace(namespace);
            }
            state.put(manifest)
        })
    }

    /// Writes an object's status only, as a controller does.
    pub fn put_status(&self, id: &ObjectId, status: Value) -> Option<Live> {
        self.change(|state| {
            let mut manifest = state.manifest(id)?;
            manifest.set(&["status"], status);
            state.put(manifest).ok()
        })
    }

    /// Deletes an object (a namespace with everything in it); false if there was none.
    pub fn delete(&self, id: &ObjectId) -> bool {
        self.change(|state| state.delete(id))
    }

    /// The object as it is.
    pub fn object(&self, id: &ObjectId) -> Option<Live> {
        self.lock().live(id)
    }

    /// The object as it is, parsed.
    pub fn manifest(&self, id: &ObjectId) -> Option<Manifest> {
        self.lock().manifest(id)
    }

    /// The ids of everything there is, in order.
    pub fn ids(&self) -> Vec<ObjectId> {
        self.lock().objects.keys().cloned().collect()
    }

    /// The resourceVersion of the newest change.
    pub fn resource_version(&self) -> u64 {
        self.lock().revision
    }

    /// Drops every event so far: a watch that has not seen them all gets 410.
    pub fn compact(&self) {
        self.change(ClusterState::compact);
    }

    /// How many events are kept for watches; 1,000 by default.
    pub fn keep_events(&self, window: usize) {
        self.change(|state| state.keep_events(window));
    }

    /// Forbids (403) or allows lists and watches of this kind.
    pub fn forbid(&self, kind: &GroupKind, forbidden: bool) {
        self.change(|state| {
            if forbidden {
                state.forbidden.insert(kind.clone())
            } else {
                state.forbidden.remove(kind)
            };
        });
    }

    /// New CRDs are established only after [`Sink::ready`](crate::sink::Sink::ready) was asked this many times.
    pub fn establish_after(&self, asks: u32) {
        self.lock().establish_after = asks;
    }

    /// Deletes what the garbage collector would: objects with owners of which none exists under its uid. Returns
    /// what it deleted.
    pub fn collect_garbage(&self) -> BTreeSet<ObjectId> {
        self.change(ClusterState::collect_garbage)
    }

    /// Takes a snapshot of everything, as a backup of etcd does.
    pub fn save_etcd(&self) -> EtcdBackup {
        EtcdBackup(self.lock().clone())
    }

    /// Goes back to a snapshot: resourceVersions go backwards.
    pub fn restore_etcd(&self, backup: &EtcdBackup) {
        self.change(|state| *state = backup.0.clone());
    }
}
