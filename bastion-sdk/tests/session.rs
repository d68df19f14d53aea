//! Sessions from end to end, with a cluster in memory and a folder.
#![cfg(feature = "fs")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use bastion_sdk::{
    Adoption, CancellationToken, Error, Repo, Session,
    cluster::Cluster,
    core::{
        Error as CoreError,
        memory::MemoryCluster,
        object::{GroupKind, ObjectId},
        restore::Outcome,
    },
    remedy::remedy,
    spec::{BackupSpec, BrakeSpec, EngineSpec, ObjectsSpec, RepositorySpec, RestoreSpec, Selection},
};
use tempfile::TempDir;

struct Stage {
    folder: TempDir,
    spec: RepositorySpec,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spec = RepositorySpec::new(format!("file://{}/backups", folder.path().display())).create(true);
        Self { folder, spec }
    }

    async fn repo(&self) -> Repo {
        Repo::open_to_write(&self.spec).await.unwrap()
    }

    async fn open(&self, cluster: &MemoryCluster, name: Option<&str>) -> Result<Session, Error> {
        Session::open(Arc::new(cluster.clone()), name, self.repo().await).await
    }

    fn tree(&self, path: &str) -> bool {
        self.folder.path().join("backups/tree").join(path).exists()
    }
}

fn town(config_maps: u32) -> MemoryCluster {
    let town = MemoryCluster::new("town");
    for n in 0..config_maps {
        put(&town, &format!("cm-{n}"));
    }
    town
}

fn put(cluster: &MemoryCluster, name: &str) {
    let labels = format!(r#"{{"app":"{name}"}}"#);
    cluster
        .put(format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"shop","labels":{labels}}}}}"#
        ))
        .unwrap();
}

fn id(name: &str) -> ObjectId {
    ObjectId::new(&GroupKind::new("", "ConfigMap"), "shop", name)
}

async fn back_up(session: &Session) -> bastion_sdk::core::engine::Report {
    session.backup(&BackupSpec::all()).run(CancellationToken::new()).await.unwrap()
}

#[tokio::test]
async fn what_is_backed_up_comes_back() {
    let (stage, town) = (Stage::new(), town(3));
    let session = stage.open(&town, Some("town")).await.unwrap();
    assert!(back_up(&session).await.is_complete());
    assert!(stage.tree("town/core/v1/ConfigMap/shop/cm-0/manifest.yaml"), "the view is kept in folders");

    town.delete(&id("cm-1"));
    let planned = session.restore(&RestoreSpec::namespace("shop")).plan().await.unwrap();
    assert!(planned.to_string().contains("cm-1"), "{planned}");
    let reader = session.reader().await.unwrap();
    let other = reader.restore_plan(&RestoreSpec::namespace("shop").of_cluster("city")).await.unwrap_err();
    assert!(other.to_string().starts_with("cluster: "), "{other}");
    let report = planned.apply().await.unwrap();
    assert_eq!(report.count(Outcome::Created), 1);
    assert!(town.object(&id("cm-1")).is_some());
}

#[tokio::test]
async fn a_continuous_backup_saves_what_is_under_way_and_keeps_the_view() {
    let (stage, town) = (Stage::new(), town(1));
    let session = stage.open(&town, Some("town")).await.unwrap();
    let backup = session.follow(&BackupSpec::all()).views_every(Duration::from_millis(10)).prepare().await.unwrap();
    let (stats, stop) = (backup.stats(), CancellationToken::new());
    let run = tokio::spawn(backup.run(stop.clone()));
    put(&town, "late");
    while stats.snapshot().kinds.values().map(|k| k.committed).sum::<u64>() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.cancel();
    let report = run.await.unwrap().unwrap();
    assert!(report.cancelled && report.flushed);
    let reader = session.reader().await.unwrap();
    assert_eq!(reader.objects(&ObjectsSpec::default().kind("cm".parse().unwrap()), false).await.unwrap().len(), 2);
    assert!(stage.tree("town/core/v1/ConfigMap/shop/late/manifest.yaml"), "the last update follows the last commit");
}

#[tokio::test]
async fn the_uid_decides_what_a_cluster_is_called() {
    let (stage, town, city) = (Stage::new(), town(1), MemoryCluster::new("city"));
    assert!(matches!(stage.open(&town, None).await, Err(Error::UnnamedCluster)));
    back_up(&stage.open(&town, Some("town")).await.unwrap()).await;

    assert_eq!(stage.open(&town, None).await.unwrap().name(), "town");
    let renamed = stage.open(&town, Some("village")).await.unwrap_err();
    assert!(matches!(&renamed, Error::OtherName { known, .. } if known == "town"), "{renamed}");
    let clash = stage.open(&city, Some("town")).await.unwrap_err();
    assert!(matches!(&clash, Error::Core(CoreError::WrongCluster { .. })), "{clash}");
    let advice = remedy(&clash, &stage.spec, &str::to_owned).unwrap();
    assert!(advice.contains("`bastion adopt town`"), "{advice}");
}

#[tokio::test]
async fn a_cluster_that_was_built_anew_adopts_the_old_log() {
    let (stage, town) = (Stage::new(), town(2));
    back_up(&stage.open(&town, Some("town")).await.unwrap()).await;
    let rebuilt = MemoryCluster::new("rebuilt");
    put(&rebuilt, "cm-0");
    let (repo, cluster): (_, Arc<dyn Cluster>) = (stage.repo().await, Arc::new(rebuilt.clone()));

    let unknown = Adoption::of(&cluster, "city", &repo).await.unwrap_err();
    assert!(matches!(&unknown, Error::UnknownLog { known, .. } if known == &["town"]), "{unknown}");
    let other: Arc<dyn Cluster> = Arc::new(MemoryCluster::new("third"));
    let late = Adoption::of(&other, "town", &repo).await.unwrap();
    let adoption = Adoption::of(&cluster, "town", &repo).await.unwrap();
    assert_eq!(adoption.log().uid, stage.open(&town, None).await.unwrap().uid());
    assert_eq!(adoption.confirm().await.unwrap().incarnation, 2);
    let again = Adoption::of(&cluster, "town", &repo).await.unwrap_err();
    assert!(matches!(&again, Error::NothingToAdopt { known, .. } if known == "town"), "{again}");
    let late = late.confirm().await.unwrap_err();
    assert!(matches!(late, Error::Core(CoreError::WrongCluster { .. })), "it was shown another owner: {late}");

    let session = stage.open(&rebuilt, None).await.unwrap();
    assert_eq!(session.name(), "town");
    assert_eq!(back_up(&session).await.total(|k| k.deleted), 0);
    let (repo, reader) = (session.repo(), session.reader().await.unwrap());
    assert_eq!(reader.withheld()[0].count, 1, "cm-1 lived in the old cluster only: a person decides");
    repo.accept_deletions(&reader, &[], "a test").await.unwrap();
    assert_eq!(back_up(&session).await.total(|k| k.deleted), 1);
    let history = session.reader().await.unwrap().history(&id("cm-1")).await.unwrap();
    assert_eq!(history.len(), 2, "its revisions stay");
    let old = stage.open(&town, Some("town")).await.unwrap_err();
    assert!(matches!(old, Error::Core(CoreError::WrongCluster { .. })), "{old}");
}

#[tokio::test]
async fn deletions_that_are_held_back_are_recorded_once_somebody_accepts_them() {
    let (stage, town) = (Stage::new(), town(6));
    let session = stage.open(&town, Some("town")).await.unwrap();
    let brake = EngineSpec::default().brake(BrakeSpec::new(0.1, 2));
    let spec = BackupSpec::all().engine(brake);
    let run = async || session.backup(&spec).run(CancellationToken::new()).await.unwrap();
    run().await;
    (0..5).for_each(|n| assert!(town.delete(&id(&format!("cm-{n}")))));
    assert_eq!(run().await.total(|k| k.deleted), 0);

    let (repo, reader) = (session.repo(), session.reader().await.unwrap());
    let other = repo.accept_deletions(&reader, &["deploy".parse().unwrap()], "a test").await.unwrap_err();
    assert!(matches!(other, Error::NothingMatched { .. }), "{other}");
    let accepted = repo.accept_deletions(&reader, &["cm".parse().unwrap()], "a test").await.unwrap();
    assert_eq!(accepted.deletions[0].count, 5);
    assert_eq!(run().await.total(|k| k.deleted), 5);
    assert!(session.reader().await.unwrap().withheld().is_empty());
}

#[tokio::test]
async fn stored_objects_are_found_by_kubectls_words() {
    let (stage, town) = (Stage::new(), town(3));
    town.put(
        r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"mice.example.org"},
            "spec":{"group":"example.org","scope":"Namespaced","names":{"kind":"Mouse","plural":"mice","singular":"mouse",
            "shortNames":["ms"]},"versions":[{"name":"v1","served":true,"storage":true}]}}"#,
    )
    .unwrap();
    town.put(r#"{"apiVersion":"example.org/v1","kind":"Mouse","metadata":{"name":"jerry","namespace":"shop"}}"#)
        .unwrap();
    let session = stage.open(&town, Some("town")).await.unwrap();
    back_up(&session).await;
    town.delete(&id("cm-2"));
    back_up(&session).await;
    let reader = stage.repo().await.reader(None, None).await.unwrap();
    let count = async |which: ObjectsSpec, gone| reader.objects(&which, gone).await.map(|found| found.len());

    for (word, gone, want) in
        [("cm", false, 2), ("configmaps", true, 3), ("ms", false, 1), ("mice.example.org", false, 1)]
    {
        assert_eq!(count(ObjectsSpec::default().kind(word.parse().unwrap()), gone).await.unwrap(), want, "{word}");
    }
    let labelled = ObjectsSpec::default().labels("app in (cm-0,cm-2)".parse().unwrap());
    assert_eq!(count(labelled, true).await.unwrap(), 1, "what is gone has no labels");
    let pair = ObjectsSpec::default().object("cm/cm-0".parse().unwrap()).object("ms/jerry".parse().unwrap());
    assert_eq!(count(pair, false).await.unwrap(), 2);
    assert_eq!(reader.one(&"cm/cm-2".parse().unwrap(), None).await.unwrap(), id("cm-2"), "a deleted one, too");
    let unknown = count(ObjectsSpec::default().kind("mouze".parse().unwrap()), false).await.unwrap_err();
    assert!(matches!(unknown, Error::NothingMatched { .. }), "{unknown}");
    let hint = remedy(&unknown, &stage.spec, &str::to_owned).unwrap();
    assert!(hint.contains("did you mean mouse.example.org?"), "{hint}");
}

#[tokio::test]
async fn a_repository_is_made_only_if_its_spec_says_so() {
    let stage = Stage::new();
    let missing = stage.spec.clone().create(false);
    assert!(Repo::open_to_write(&missing).await.is_err());
    stage.repo().await;
    assert!(Repo::open(&missing).await.unwrap().clusters().await.unwrap().is_empty());
    let empty = Repo::open(&missing).await.unwrap().reader(None, None).await.unwrap_err();
    assert!(matches!(empty, Error::NothingMatched { .. }), "{empty}");
}

#[tokio::test]
async fn a_dry_run_says_what_it_would_save_and_writes_nothing() {
    let (stage, town) = (Stage::new(), town(3));
    back_up(&stage.open(&town, Some("town")).await.unwrap()).await;
    let before = files(stage.folder.path());
    put(&town, "new");
    let (repo, dry) = Repo::open_dry_run(&stage.spec).await.unwrap();
    let session = Session::open(Arc::new(town.clone()), None, repo).await.unwrap();
    assert_eq!(back_up(&session).await.total(|k| k.changed), 1);
    assert!(dry.report().files > 0 && dry.report().bytes > 0, "{:?}", dry.report());
    assert_eq!(files(stage.folder.path()), before);
    let again = back_up(&stage.open(&town, None).await.unwrap()).await;
    assert_eq!(again.total(|k| k.changed), 1, "it was not saved");
}

/// Every file beneath a folder, with its content.
fn files(folder: &std::path::Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(
            |path| if path.is_dir() { files(&path) } else { [(path.clone(), std::fs::read(path).unwrap())].into() },
        )
        .collect()
}

#[tokio::test]
async fn a_selection_decides_what_is_backed_up() {
    let (stage, town) = (Stage::new(), town(3));
    let session = stage.open(&town, Some("town")).await.unwrap();
    let one = Selection::all().kind("cm".parse().unwrap()).labels("app=cm-1".parse().unwrap());
    let report = session.backup(&BackupSpec::select(one)).run(CancellationToken::new()).await.unwrap();
    assert_eq!(report.total(|k| k.changed), 1);
    let wrong = BackupSpec::select(Selection::all().namespace("Shop"));
    let refused = session.backup(&wrong).run(CancellationToken::new()).await.unwrap_err();
    assert!(matches!(refused, Error::Spec(_)), "{refused}");
}
