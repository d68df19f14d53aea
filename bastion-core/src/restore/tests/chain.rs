//! The whole way: a cluster, the engine, a repository, a snapshot at a time, a plan, another cluster.

use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    engine::{Engine, EngineOptions},
    manifest::tests::nested,
    repository::{InitOptions, Repository, WriterOptions},
    runtime::Runtime,
    source::Source,
    store::MemoryStore,
};

/// Two clusters and a repository between them, with one clock for all.
struct World {
    old: MemoryCluster,
    new: MemoryCluster,
    repo: Repository,
    runtime: Arc<SimRuntime>,
}

impl World {
    async fn new() -> Self {
        let runtime = Arc::new(SimRuntime::new(7));
        let options = InitOptions::default().runtime(runtime.clone());
        let repo = Repository::init(Arc::new(MemoryStore::new()), options).await.unwrap();
        Self { old: MemoryCluster::new("old"), new: MemoryCluster::new("new"), repo, runtime }
    }

    /// Backs everything up; says when, a second before anything else can happen.
    async fn back_up(&self) -> Timestamp {
        let source = Arc::new(self.old.list());
        let uid = source.cluster_uid().await.unwrap();
        let writer = self.repo.writer("old", WriterOptions::new(uid, "backup")).await.unwrap();
        let options = EngineOptions::default();
        let report = Engine::new(source, writer, options).run(CancellationToken::new()).await.unwrap();
        assert!(report.is_complete(), "{report:?}");
        let at = self.runtime.now();
        self.runtime.sleep(Duration::from_secs(1)).await;
        at
    }

    async fn restore(&self, at: Timestamp, selection: impl FnOnce(RestoreSet) -> RestoreSet) -> RestoreReport {
        let snapshot = self.repo.snapshot("old").await.unwrap().at(at);
        let selection = selection(snapshot.select(ObjectFilter::default()));
        let plan = selection.restore_plan(&RestoreOptions::new()).await.unwrap();
        plan.apply(Arc::new(self.new.clone())).await
    }
}

/// An object as the restore sees it.
fn form(cluster: &MemoryCluster, id: &ObjectId) -> Option<Vec<u8>> {
    let kind = cluster.served().into_iter().find(|kind| kind.group_kind() == id.group_kind())?;
    let mut manifest = cluster.manifest(id)?;
    Rules::restore().sanitize(&kind, &mut manifest).unwrap();
    // Uids are the clusters' own; who owns whom is compared by name.
    let owners = manifest.owner_references();
    manifest.remove(&["metadata", "ownerReferences"]);
    let names: Vec<_> = owners.iter().map(|owner| owner.name.as_str()).collect();
    Some([canonical::to_bytes(&manifest), names.join(",").into_bytes()].concat())
}

#[tokio::test(start_paused = true)]
async fn awkward_objects_come_back_as_they_were() {
    let world = World::new().await;
    world.old.put(crd("x.dev", "Widget", "widgets")).unwrap();
    let widget = |name: &str, metadata: &str, spec: &str| {
        let json = format!(
            r#"{{"apiVersion":"x.dev/v1","kind":"Widget","metadata":{{"name":"{name}","namespace":"shop"{metadata}}},"spec":{spec}}}"#
        );
        world.old.put(json).unwrap()
    };
    let owner = widget("owner", "", r#"{"max":9223372036854775807,"min":-9223372036854775808,"odd":9007199254740993}"#);
    widget("numbers", "", r#"{"big":18446744073709551615,"beyond":1e20,"huge":1e300,"small":5e-324,"third":0.1}"#);
    widget("empties", "", r#"{"null":null,"map":{},"list":[],"text":"","in":[null,{},[]]}"#);
    widget("text", "", r#"{"yes":"no","0123":"1e3","emoji":"🚢","crlf":"a\r\nb","nul":"\u0000","tab":"\n\tx"}"#);
    widget("deep", "", &nested(500));
    widget("large", "", &format!(r#"{{"text":"{}"}}"#, "x".repeat(1 << 20)));
    widget("a:b.c", &owned_by(&[("x.dev/v1", "Widget", "owner", &owner.uid)]), "{}");
    let at = world.back_up().await;

    let report = world.restore(at, |all| all).await;
    assert!(report.is_complete(), "{}", told(&report));
    for id in world.old.ids() {
        assert_eq!(form(&world.old, &id), form(&world.new, &id), "{id}");
    }
    assert_eq!(world.new.collect_garbage(), [].into());
    let again = world.restore(at, |all| all).await;
    assert_eq!(again.count(Outcome::Unchanged), again.objects.len(), "{}", told(&again));
}

#[tokio::test(start_paused = true)]
async fn a_moment_a_label_and_a_namespace_are_picked_out_of_history() {
    let world = World::new().await;
    world.old.put(config_map("shop", "prices", r#","labels":{"app":"x"}"#, "1")).unwrap();
    world.old.put(config_map("shop", "other", "", "1")).unwrap();
    let first = world.back_up().await;
    world.old.put(config_map("shop", "prices", r#","labels":{"app":"x"}"#, "2")).unwrap();
    world.old.delete(&id("", "ConfigMap", "shop", "other"));
    let second = world.back_up().await;

    let labelled: Predicate = Arc::new(|manifest| manifest.label("app") == Some("x"));
    let report = world.restore(first, |all| all.matching(labelled)).await;
    insta::assert_snapshot!(told(&report), @r#"
    Created Namespace shop
    Created ConfigMap shop/prices
    "#);
    let prices = id("", "ConfigMap", "shop", "prices");
    assert_eq!(world.new.manifest(&prices).unwrap().text(&["data", "k"]), Some("1"));

    let later = told(&world.restore(second, |all| all).await);
    assert!(later.contains("Skipped ConfigMap shop/prices: it exists and differs at .data.k\n"), "{later}");
    assert!(!later.contains("shop/other"), "it was deleted by then: {later}");
}
