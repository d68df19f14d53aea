//! The pipeline from end to end: a cluster in memory, the real repository in a memory store behind a store
//! that fails as told, and a simulated clock.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::TryStreamExt;
use tokio_util::sync::CancellationToken;

use crate::{
    engine::{Engine, EngineOptions, Report},
    error::Result,
    memory::{MemoryCluster, MemorySource},
    object::{GroupKind, ObjectId},
    pipeline::{KindPhase, KindSnapshot, Stats},
    record::{Revision, RevisionState},
    repository::{InitOptions, ObjectFilter, OpenOptions, Repository, Snapshot, Writer, WriterOptions},
    runtime::{SharedRuntime, SimRuntime},
    source::Source,
    store::{FaultyStore, MemoryStore, RetryPolicy, RetryStore, Verb},
};

mod crash;
mod deletions;
mod faults;
mod flow;
mod model;
mod outage;

/// A cluster, a repository, and the means to run engines between them.
pub(super) struct World {
    pub(super) cluster: MemoryCluster,
    pub(super) disk: MemoryStore,
    pub(super) store: FaultyStore,
    pub(super) runtime: SharedRuntime,
    pub(super) options: EngineOptions,
}

/// A continuous engine that runs.
pub(super) struct Watching {
    pub(super) stats: Arc<Stats>,
    cancel: CancellationToken,
    done: tokio::task::JoinHandle<Result<Report>>,
}

pub(super) fn config_maps() -> GroupKind {
    GroupKind::new("", "ConfigMap")
}

pub(super) fn id(name: &str) -> ObjectId {
    ObjectId::new(&config_maps(), "shop", name)
}

impl World {
    pub(super) async fn new(seed: u64) -> Self {
        let runtime: SharedRuntime = Arc::new(SimRuntime::new(seed));
        let disk = MemoryStore::new();
        Repository::init(Arc::new(disk.clone()), InitOptions::default().runtime(runtime.clone())).await.unwrap();
        let store = FaultyStore::new(Arc::new(disk.clone()), runtime.clone(), seed);
        let options = EngineOptions::default().concurrency(4);
        Self { cluster: MemoryCluster::new("prod"), disk, store, runtime, options }
    }

    /// The process died: the next one has a store that works.
    pub(super) fn revive(&mut self, seed: u64) {
        self.store = FaultyStore::new(Arc::new(self.disk.clone()), self.runtime.clone(), seed);
    }

    pub(super) fn put(&self, name: &str, value: &str) {
        self.put_with(name, value, "{}");
    }

    pub(super) fn put_with(&self, name: &str, value: &str, labels: &str) {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"shop","labels":{labels}}},"data":{{"k":"{value}"}}}}"#
        );
        self.cluster.put(json).unwrap();
    }

    pub(super) async fn repository(&self) -> Result<Repository> {
        let options = OpenOptions::default().write(true).runtime(self.runtime.clone());
        // As programs do: everything but a create is tried again.
        let store = Arc::new(self.store.clone());
        let store = RetryStore::new(store, self.runtime.clone(), RetryPolicy::default());
        Repository::open(Arc::new(store), options).await
    }

    pub(super) async fn writer(&self, role: &str) -> Result<Writer> {
        let uid = self.cluster.list().cluster_uid().await.unwrap();
        self.repository().await?.writer("prod", WriterOptions::new(uid, role)).await
    }

    pub(super) async fn engine(&self, source: impl Source) -> Result<Engine> {
        let writer = self.writer("test").await?;
        Ok(Engine::new(Arc::new(source), writer, self.options.clone()))
    }

    /// Reads everything once.
    pub(super) async fn backup(&self) -> Report {
        self.backup_of(self.cluster.list()).await
    }

    pub(super) async fn backup_of(&self, source: MemorySource) -> Report {
        self.engine(source).await.unwrap().run(CancellationToken::new()).await.unwrap()
    }

    /// Starts to follow everything.
    pub(super) async fn watch(&self) -> Watching {
        self.watch_of(self.cluster.watch()).await
    }

    pub(super) async fn watch_of(&self, source: impl Source) -> Watching {
        let engine = self.engine(source).await.unwrap();
        let cancel = CancellationToken::new();
        let stats = engine.stats();
        let done = tokio::spawn(engine.run(cancel.clone()));
        // It begins before anybody asks how it goes.
        self.runtime.sleep(Duration::from_millis(10)).await;
        Watching { stats, cancel, done }
    }

    pub(super) async fn snapshot(&self) -> Snapshot {
        let store = Arc::new(self.disk.clone());
        let options = OpenOptions::default().runtime(self.runtime.clone());
        Repository::open(store, options).await.unwrap().snapshot("prod").await.unwrap()
    }

    /// Every state of every object of a kind in the log: name to states, oldest first.
    pub(super) async fn histories(&self, kind: &GroupKind) -> BTreeMap<String, Vec<Revision>> {
        let filter = ObjectFilter::all().kind(kind.clone()).any_state();
        let all: Vec<Vec<Revision>> = self.snapshot().await.histories(filter).try_collect().await.unwrap();
        all.into_iter()
            .map(|mut revisions| {
                revisions.reverse();
                (revisions[0].id.name.to_string(), revisions)
            })
            .collect()
    }

    /// The words of what became of each config map, oldest first.
    pub(super) async fn states(&self) -> BTreeMap<String, Vec<RevisionState>> {
        let histories = self.histories(&config_maps()).await;
        histories.into_iter().map(|(name, all)| (name, all.iter().map(|v| v.state).collect())).collect()
    }

    /// How many states all config maps have in the log.
    pub(super) async fn records(&self) -> usize {
        self.states().await.values().map(Vec::len).sum()
    }

    /// How many segments were committed through the store that fails as told.
    pub(super) fn commits(&self) -> usize {
        self.store.calls(Verb::Put).iter().filter(|key| key.contains("/log/")).count()
    }

    /// Waits until a condition holds; simulated time passes meanwhile.
    pub(super) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let deadline = self.runtime.uptime() + Duration::from_hours(2);
        while !holds().await {
            assert!(self.runtime.uptime() < deadline, "waited two hours for: {what}");
            self.runtime.sleep(Duration::from_millis(50)).await;
        }
    }

    pub(super) async fn pass(&self, seconds: u64) {
        self.runtime.sleep(Duration::from_secs(seconds)).await;
    }

    /// What the log has of config maps is what the cluster has.
    pub(super) async fn assert_same_as_cluster(&self) {
        let kind = config_maps();
        let in_cluster: Vec<_> = self.cluster.ids().into_iter().filter(|id| id.group_kind() == kind).collect();
        let filter = ObjectFilter::all().kind(kind);
        let snapshot = self.snapshot().await;
        let in_log: Vec<Revision> = snapshot.objects(filter).try_collect().await.unwrap();
        assert_eq!(in_log.iter().map(|v| v.id.clone()).collect::<Vec<_>>(), in_cluster);
        for revision in in_log {
            let body = snapshot.body(&revision).await.unwrap();
            let logged = crate::canonical::from_bytes(&body).unwrap();
            let live = self.cluster.manifest(&revision.id).unwrap();
            assert_eq!(logged.get(&["data"]), live.get(&["data"]), "{}", revision.id);
        }
    }
}

impl Watching {
    pub(super) fn kind(&self) -> KindSnapshot {
        self.stats.snapshot().kinds.get(&config_maps()).cloned().unwrap_or_default()
    }

    /// Nothing that was seen is on its way any more.
    pub(super) fn is_idle(&self) -> bool {
        let snapshot = self.stats.snapshot();
        let mut kinds = snapshot.kinds.values();
        !snapshot.kinds.is_empty() && kinds.all(|k| k.oldest_unsaved.is_none() && k.phase == KindPhase::Following)
    }

    pub(super) fn is_over(&self) -> bool {
        self.done.is_finished()
    }

    /// Stops it gracefully.
    pub(super) async fn stop(self) -> Report {
        self.cancel.cancel();
        self.done.await.unwrap().unwrap()
    }

    /// As `kill -9` would.
    pub(super) async fn kill(self) {
        self.done.abort();
        let _ = self.done.await;
    }
}
