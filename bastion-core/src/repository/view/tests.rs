#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use super::*;
use crate::{
    hash::Sha256,
    object::GroupKind,
    record::{Change, What},
    repository::{CommitNotes, InitOptions, OpenOptions, Writer, WriterOptions},
    runtime::{SharedRuntime, SimRuntime},
    source::Proof,
    store::MemoryStore,
};

fn change(id: &ObjectId, version: &str, rv: u64, what: What) -> Change {
    Change {
        id: id.clone(),
        version: version.into(),
        uid: "u".into(),
        resource_version: rv.into(),
        policy: "all".into(),
        what,
    }
}

fn put(id: &ObjectId, version: &str, rv: u64, body: impl Into<Vec<u8>>) -> Change {
    use crate::hash::Hasher as _;
    let body = Bytes::from(body.into());
    change(id, version, rv, What::Put { digest: Sha256.digest(&body), body, extras: Box::default() })
}

fn id(group: &str, kind: &str, namespace: &str, name: &str) -> ObjectId {
    ObjectId::new(&GroupKind::new(group, kind), namespace, name)
}

struct World {
    store: MemoryStore,
    repository: Repository,
    writer: Writer,
}

impl World {
    async fn new() -> Self {
        let (store, runtime) = (MemoryStore::new(), Arc::new(SimRuntime::new(1)) as SharedRuntime);
        let options = InitOptions::default().runtime(runtime.clone());
        let repository = Repository::init(Arc::new(store.clone()), options).await.unwrap();
        let writer = repository.writer("prod", WriterOptions::new("uid", "watch")).await.unwrap();
        Self { store, repository, writer }
    }

    async fn commit(&mut self, changes: impl IntoIterator<Item = Change>) {
        let mut batch = self.writer.batch();
        for change in changes {
            batch.push(change).await.unwrap();
        }
        self.writer.commit(&mut batch, &CommitNotes::default()).await.unwrap();
    }

    async fn tree(&self) -> BTreeMap<String, String> {
        tree(&self.store).await
    }

    async fn names(&self) -> Vec<String> {
        self.tree().await.into_keys().collect()
    }
}

/// The files of a view as text, below `tree/prod/`.
async fn tree(store: &MemoryStore) -> BTreeMap<String, String> {
    let folder = Prefix::from_segments(["tree", "prod"]);
    let files: Vec<_> = store.list(&folder, None).try_collect().await.unwrap();
    let mut out = BTreeMap::new();
    for file in files.iter().filter(|f| f.key.file_name() != "_position.json") {
        let text = store.get(&file.key, None).await.unwrap();
        out.insert(file.key.strip(&folder).unwrap().to_owned(), String::from_utf8_lossy(&text).into_owned());
    }
    out
}

/// A body that does not compress.
fn noise(seed: u64) -> String {
    let noise: String = (0..400).map(|i| Digest::of_file(format!("{seed}-{i}").as_bytes()).to_string()).collect();
    format!(r#"{{"data":"{noise}"}}"#)
}

#[tokio::test(start_paused = true)]
async fn the_tree_follows_the_log() {
    let mut world = World::new().await;
    let mut view = world.repository.tree_view("prod");
    assert_eq!(view.update().await.unwrap(), ViewReport::default(), "nothing was committed yet");
    let prices = id("", "ConfigMap", "shop", "prices");
    let role = id("rbac.authorization.k8s.io", "ClusterRole", "", "system:node");
    let body = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"prices","namespace":"shop"}}"#;
    world.commit([put(&prices, "v1", 1, body), put(&role, "v1", 2, r#"{"rules":[]}"#)]).await;
    let report = view.update().await.unwrap();
    assert_eq!((report.head, report.written, report.removed), (1, 2, 0));
    let tree = world.tree().await;
    assert_eq!(
        tree.keys().collect::<Vec<_>>(),
        [
            "core/v1/ConfigMap/shop/prices/hash.txt",
            "core/v1/ConfigMap/shop/prices/manifest.yaml",
            "rbac.authorization.k8s.io/v1/ClusterRole/_cluster/system%3Anode/hash.txt",
            "rbac.authorization.k8s.io/v1/ClusterRole/_cluster/system%3Anode/manifest.yaml",
        ]
    );
    let digest = crate::hash::Hasher::digest(&Sha256, body.as_bytes());
    assert_eq!(tree["core/v1/ConfigMap/shop/prices/hash.txt"], format!("sha256:{digest}"));
    insta::assert_snapshot!(tree["core/v1/ConfigMap/shop/prices/manifest.yaml"], @r#"
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: prices
      namespace: shop
    "#);

    // A change, a deletion, and an update without anything new.
    world.commit([put(&prices, "v1", 3, r#"{"data":{"a":"yes"}}"#)]).await;
    world.commit([change(&role, "v1", 4, What::Deleted(Proof::Watched))]).await;
    let report = view.update().await.unwrap();
    assert_eq!((report.head, report.written, report.removed), (3, 1, 1));
    assert_eq!(view.update().await.unwrap(), ViewReport { head: 3, ..ViewReport::default() });
    let tree = world.tree().await;
    assert_eq!(tree.len(), 2);
    assert!(tree["core/v1/ConfigMap/shop/prices/manifest.yaml"].contains("a: \"yes\""), "{tree:?}");

    // Released objects leave the view as well; another process goes on from the saved position.
    world.commit([change(&prices, "v1", 5, What::Released)]).await;
    let report = world.repository.tree_view("prod").update().await.unwrap();
    assert_eq!((report.head, report.written, report.removed), (4, 0, 1));
    assert!(world.tree().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_object_in_another_api_version_moves() {
    let mut world = World::new().await;
    let object = id("apps", "Deployment", "shop", "web");
    world.commit([put(&object, "v1beta1", 1, "{}")]).await;
    world.repository.tree_view("prod").update().await.unwrap();
    world.commit([put(&object, "v1", 2, r#"{"a":1}"#)]).await;
    // A new process: which revisions were written stands in the position.
    world.repository.tree_view("prod").update().await.unwrap();
    let moved = ["apps/v1/Deployment/shop/web/hash.txt", "apps/v1/Deployment/shop/web/manifest.yaml"];
    assert_eq!(world.names().await, moved);
    // Whatever version a deletion names.
    world.commit([change(&object, "v2", 3, What::Deleted(Proof::Absent))]).await;
    world.repository.tree_view("prod").update().await.unwrap();
    assert!(world.names().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_yaml_cannot_show_is_named_and_stops_nothing() {
    let mut world = World::new().await;
    let (deep, good) = (id("x.io", "Deep", "n", "deep"), id("x.io", "Good", "n", "good"));
    world.commit([put(&deep, "v1", 1, r#"{"a":1}"#)]).await;
    let mut view = world.repository.tree_view("prod");
    view.update().await.unwrap();
    let levels = crate::manifest::MAX_DEPTH + 10;
    let body = format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    world.commit([put(&deep, "v1", 2, body), put(&good, "v1", 3, "{}")]).await;
    for report in [view.update().await.unwrap(), view.rebuild().await.unwrap()] {
        assert_eq!((report.written, report.unshown.len()), (2, 1));
        assert_eq!(report.unshown[0].id, deep);
        // Not the manifest of the state before.
        let expected =
            ["x.io/v1/Deep/n/deep/hash.txt", "x.io/v1/Good/n/good/hash.txt", "x.io/v1/Good/n/good/manifest.yaml"];
        assert_eq!(world.names().await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_view_that_was_lost_spoilt_or_interrupted_is_made_anew() {
    let mut world = World::new().await;
    let objects: Vec<_> = (0..200).map(|n| id("", "ConfigMap", &format!("ns-{}", n % 7), &format!("o-{n}"))).collect();
    for n in [0, 50, 100, 150] {
        world.commit([put(&objects[n], "v1", n as u64 + 1, noise(n as u64))]).await;
    }
    let all: Vec<_> = objects.iter().zip(1000..).map(|(object, rv)| put(object, "v1", rv, noise(rv))).collect();
    world.commit(all).await;
    let packs = Prefix::from_segments(["clusters", "prod", "packs"]);
    let packs: Vec<_> = world.store.list(&packs, None).try_collect().await.unwrap();
    assert!(!packs.is_empty());

    let report = world.repository.tree_view("prod").update().await.unwrap();
    assert_eq!(report.written, 200);
    let good = world.tree().await;
    assert_eq!(good.len(), 400);

    // Whoever follows the log from its start sees the same.
    let first = world.store.get(&ClusterKeys::new("prod").segment(1), None).await.unwrap();
    let start = Position { segment: 1, digest: Digest::of_file(&first).to_string(), ..Position::default() };
    let elsewhere = MemoryStore::new();
    let mut view = world.repository.tree_view("prod").target(Arc::new(elsewhere.clone()));
    view.save(&start).await.unwrap();
    assert_eq!(view.update().await.unwrap().written, 203);
    assert_eq!(tree(&elsewhere).await, good);

    // Files that nobody knows, files that went, and a position of another log.
    let view_key = |name: &str| Prefix::from_segments(["tree", "prod"]).key(&Key::parse(name).unwrap());
    let overwrite = PutOptions::overwrite();
    world.store.put(&view_key("core/v1/Ghost/n/g/hash.txt"), "x".into(), &overwrite).await.unwrap();
    world.store.delete(&view_key(good.keys().next().unwrap())).await.unwrap();
    for position in ["no json", r#"{"segment":1,"digest":"00","versions":{}}"#] {
        world.store.put(&view_key("_position.json"), position.into(), &overwrite).await.unwrap();
        world.repository.tree_view("prod").update().await.unwrap();
        assert_eq!(world.tree().await, good);
    }
}

#[tokio::test(start_paused = true)]
async fn a_repository_opened_for_reading_has_its_view_elsewhere() {
    let mut world = World::new().await;
    world.commit([put(&id("", "ConfigMap", "n", "a"), "v1", 1, "{}")]).await;
    let runtime = Arc::new(SimRuntime::new(2)) as SharedRuntime;
    let options = OpenOptions::default().runtime(runtime);
    let reader = Repository::open(Arc::new(world.store.clone()), options).await.unwrap();
    let error = reader.tree_view("prod").update().await.unwrap_err();
    assert!(error.to_string().contains("reading only"), "{error}");
    let elsewhere = MemoryStore::new();
    reader.tree_view("prod").target(Arc::new(elsewhere.clone())).update().await.unwrap();
    assert!(world.tree().await.is_empty());
    let files: Vec<_> = elsewhere.list(&Prefix::root(), None).try_collect().await.unwrap();
    assert_eq!(files.len(), 3);
}

/// A position comes from a file that anybody may have changed: whatever it says, it is a position or none.
#[test]
fn fuzz_position() {
    let mut good = Position { segment: 7, digest: Digest::default().to_string(), ..Position::default() };
    good.versions.entry("Cron.stable.io".into()).or_default().insert("v1".into());
    let good = serde_json::to_vec_pretty(&good).unwrap();
    bolero::check!().for_each(|input: &[u8]| {
        let _ = serde_json::from_slice::<Position>(input);
        let mut edited = good.clone();
        for edit in input.chunks_exact(2) {
            let at = usize::from(edit[0]) % edited.len();
            edited[at] = edit[1];
        }
        let _ = serde_json::from_slice::<Position>(&edited);
    });
}

#[test]
fn the_json_form_of_a_report_is_stable() {
    let mut report = ViewReport { head: 12, written: 3, removed: 1, ..ViewReport::default() };
    report.unshown.push(UnshownObject { id: id("", "ConfigMap", "shop", "a"), why: "too deep".into() });
    insta::assert_snapshot!(serde_json::to_string(&report).unwrap(), @r#"{"head":12,"written":3,"removed":1,"unshown":[{"object":"ConfigMap shop/a","why":"too deep"}],"unnamedUnshown":0}"#);
}
