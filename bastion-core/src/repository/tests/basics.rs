use std::{sync::Arc, time::Duration};

use futures::stream::TryStreamExt;

use super::{
    super::{
        CommitNotes, InitOptions, LogEntry, ObjectFilter, OpenOptions, Repository, WriterOptions,
        format::{self, SegmentHeader, keys::ClusterKeys},
    },
    support::*,
};
use crate::{
    error::Error,
    object::ResourceVersion,
    record::{Newest, Position, RevisionState, What},
    store::{Fault, FaultyStore, Key, MemoryStore, PutOptions, Store, Verb},
};

#[tokio::test(start_paused = true)]
async fn a_first_backup_and_a_change_can_be_read_back() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store.clone(), &rt).await;
    let mut writer = writer(&repository, "watch").await;
    let done = commit(&mut writer, [put("a", 1, "one"), put("b", 2, "two")]).await.unwrap();
    assert_eq!((done.records, done.stale, done.head.number), (2, 0, 1));
    let done = commit(&mut writer, [put("a", 5, "one more"), deleted("b", 6)]).await.unwrap();
    assert_eq!((done.records, done.head.number), (2, 2));

    let expected = [("a".to_owned(), "one more".to_owned())].into();
    assert_eq!(bodies(&repository).await, expected);
    assert_eq!(history(&repository, "a").await, ["5 put", "1 put"]);
    assert_eq!(history(&repository, "b").await, ["6 deleted", "2 put"]);

    // The same again after a checkpoint and a new start.
    writer.close().await.unwrap();
    let repository = open(store, &rt).await.unwrap();
    assert_eq!(bodies(&repository).await, expected);
    assert_eq!(history(&repository, "a").await, ["5 put", "1 put"]);
    let writer = super::support::writer(&repository, "watch").await;
    let newest: Option<Newest> = writer.index().newest(&id("b")).await.unwrap();
    assert_eq!(newest.unwrap().state, RevisionState::Deleted);
    assert_eq!(writer.index().newest(&id("c")).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_shows_the_past() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store, &rt).await;
    let mut writer = writer(&repository, "watch").await;
    commit(&mut writer, [put("a", 1, "one")]).await.unwrap();
    writer.checkpoint().await.unwrap();
    let between = writer.head().at;
    rt.sleep(std::time::Duration::from_secs(5)).await;
    commit(&mut writer, [put("a", 2, "two"), put("b", 3, "new")]).await.unwrap();
    writer.checkpoint().await.unwrap();

    let now = repository.snapshot(CLUSTER).await.unwrap();
    let then = now.clone().at(between);
    let newest = now.history(&id("a")).await.unwrap();
    assert_eq!(newest.len(), 2);
    let old = then.history(&id("a")).await.unwrap();
    assert_eq!(now.body(&old[0]).await.unwrap(), "one");
    assert!(then.history(&id("b")).await.unwrap().is_empty());
    let before = between.minus(std::time::Duration::from_secs(1));
    assert!(now.at(before).history(&id("a")).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn there_is_one_repository_at_a_place() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let none = Repository::open(Arc::new(store.clone()), OpenOptions::default()).await;
    assert!(matches!(none, Err(Error::NoRepository)));
    let repository = init(store.clone(), &rt).await;
    let again = Repository::init(Arc::new(store.clone()), InitOptions::default()).await;
    assert!(matches!(again, Err(Error::RepositoryExists { id }) if id == repository.info().id));
    let reader = Repository::open(Arc::new(store), OpenOptions::default()).await.unwrap();
    assert!(matches!(reader.writer(CLUSTER, WriterOptions::new(UID, "watch")).await, Err(Error::Invalid(_))));
    assert!(matches!(reader.snapshot(CLUSTER).await, Err(Error::UnknownCluster { .. })));
}

#[tokio::test(start_paused = true)]
async fn unknown_features_are_refused_before_any_write() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    init(store.clone(), &rt).await;
    let key = Key::from_segments(["bastion.json"]);
    let text = String::from_utf8(store.get(&key, None).await.unwrap().to_vec()).unwrap();
    let covered = text.split(",\n  \"sha256\"").next().unwrap().replace("\"features\": []", "\"features\": [\"warp\"]");
    let sum = crate::hash::Digest::of_file(covered.as_bytes());
    let newer = format!("{covered},\n  \"sha256\": \"{sum}\"\n}}\n");
    store.put(&key, newer.into(), &PutOptions::overwrite()).await.unwrap();
    let refused = open(store, &rt).await.unwrap_err();
    assert!(matches!(refused, Error::UnknownFeature { features, .. } if features == ["warp"]));
}

#[tokio::test(start_paused = true)]
async fn another_cluster_under_a_known_name_writes_nothing() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store.clone(), &rt).await;
    let mut writer = writer(&repository, "watch").await;
    commit(&mut writer, [put("a", 900, "one")]).await.unwrap();
    let other = || WriterOptions::new("another-uid", "watch");
    let refused = repository.writer(CLUSTER, other().fenced(true)).await.unwrap_err();
    assert!(matches!(refused, Error::WrongCluster { logged, actual, .. } if logged == UID && actual == "another-uid"));
    assert_eq!(repository.snapshot(CLUSTER).await.unwrap().head().number, 1);

    // Unless a person adopts it: a new incarnation, whose small resourceVersions are newer than the old ones.
    let third = repository.writer(CLUSTER, other().adopt_from("third-uid").fenced(true)).await.unwrap_err();
    assert!(matches!(third, Error::WrongCluster { logged, .. } if logged == UID));
    assert_eq!(repository.snapshot(CLUSTER).await.unwrap().head().number, 1);
    let mut adopted = repository.writer(CLUSTER, other().adopt_from(UID).fenced(true)).await.unwrap();
    commit(&mut adopted, [put("a", 7, "two")]).await.unwrap();
    assert_eq!(history(&repository, "a").await, ["7 put", "900 put"]);
    let late = commit(&mut writer, [put("a", 1000, "three")]).await.unwrap_err();
    assert!(matches!(late, Error::WrongCluster { .. }), "{late}");
    let clusters = repository.clusters().await.unwrap();
    assert_eq!((clusters.len(), &*clusters[0].uid), (1, "another-uid"));
}

/// The old cluster's etcd is restored while somebody adopts its log: the adoption begins its incarnation after that one.
#[tokio::test(start_paused = true)]
async fn an_adoption_is_not_taken_for_done_when_the_old_cluster_begins_an_incarnation_meanwhile() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store.clone(), &rt).await;
    let mut old = writer(&repository, "controller").await;
    commit(&mut old, [put("a", 900, "one")]).await.unwrap();

    let slow = FaultyStore::new(Arc::new(store), rt.clone(), 1);
    let (begun, mut asked) = tokio::sync::mpsc::unbounded_channel();
    slow.set_script(move |operation| {
        // The first commit of the adoption does not get through, and is tried again a little later.
        let is_commit = operation.verb == Verb::Put && operation.key.contains("/log/");
        (is_commit && begun.send(()).is_ok()).then_some(Fault::Throttled)
    });
    let adopting = open(slow, &rt).await.unwrap();
    let adopt = adopting.writer(CLUSTER, WriterOptions::new("another-uid", "watch").adopt_from(UID));
    let restore = async {
        asked.recv().await.unwrap();
        drop(asked);
        old.begin_incarnation().await.unwrap();
    };
    let (adopted, ()) = tokio::join!(adopt, restore);
    assert_eq!((adopted.unwrap().head().incarnation, old.head().incarnation), (3, 2));
    assert_eq!(repository.clusters().await.unwrap()[0].uid, "another-uid");
}

#[tokio::test(start_paused = true)]
async fn clusters_are_found_whatever_their_names() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store, &rt).await;
    let long = "ü".repeat(300);
    for (n, name) in ["prod", "prod-2", "arn:aws:eks/eu", &long].into_iter().enumerate() {
        let options = WriterOptions::new(format!("uid-{n}"), "backup");
        let mut writer = repository.writer(name, options).await.unwrap();
        commit(&mut writer, [put("a", 1, "one")]).await.unwrap();
        if n % 2 == 0 {
            writer.close().await.unwrap();
        }
    }
    let names: Vec<_> = repository.clusters().await.unwrap().into_iter().map(|c| c.name).collect();
    assert_eq!(names, ["arn:aws:eks/eu", "prod", "prod-2", &long]);
    assert_eq!(repository.cluster_with_uid("uid-3").await.unwrap().unwrap().name, long);
    assert_eq!(repository.cluster_with_uid("uid-9").await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_cannot_be_read_does_not_hide_the_others() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store.clone(), &rt).await;
    let mut writers = Vec::new();
    for name in ["a", "b"] {
        let mut writer = repository.writer(name, WriterOptions::new(format!("uid-{name}"), "watch")).await.unwrap();
        for n in 1..=2 {
            commit(&mut writer, [put("o", n, n.to_string())]).await.unwrap();
        }
        writers.push(writer);
    }
    let found = async || {
        let clusters = repository.clusters().await?;
        Ok::<_, Error>(clusters.into_iter().map(|c| (c.name, c.uid, c.head)).collect::<Vec<_>>())
    };
    let is = |name: &str, head| (name.to_owned(), format!("uid-{name}"), head);
    let keys = ["a", "b"].map(ClusterKeys::new);
    let damage = async |key: Key| {
        store.put(&key, "damaged".into(), &PutOptions::overwrite()).await.unwrap();
    };
    // Where the newest segment is damaged, the one before says whose log it is.
    damage(keys[0].segment(2)).await;
    assert_eq!(found().await.unwrap(), [is("a", 1), is("b", 2)]);
    // Where all are, that cluster is left out; whoever looks for one that is not found learns why.
    damage(keys[0].segment(1)).await;
    assert_eq!(found().await.unwrap(), [is("b", 2)]);
    assert_eq!(repository.cluster_with_uid("uid-b").await.unwrap().unwrap().name, "b");
    let error = repository.cluster_with_uid("uid-a").await.unwrap_err();
    assert!(matches!(&error, Error::Corrupt { key, .. } if *key == keys[0].segment(2)), "{error}");
    // A checkpoint says it as well.
    writers[0].checkpoint().await.unwrap();
    assert_eq!(found().await.unwrap(), [is("a", 2), is("b", 2)]);
    // One file of a newer Bastion is no other matter.
    let newer = writers[1].log.segment(2).await.unwrap().unwrap();
    let mut header = SegmentHeader { number: 3, previous: newer.digest, ..newer.header };
    header.common.features = vec!["teleport".into()];
    let sealed = format::encode_segment(&header, &format::Contents::default()).unwrap();
    store.put(&keys[1].segment(3), sealed.bytes, &PutOptions::create()).await.unwrap();
    assert_eq!(found().await.unwrap(), [is("a", 2), is("b", 2)]);
    for key in [1, 2].map(|n| keys[1].segment(n)) {
        damage(key).await;
    }
    assert_eq!(found().await.unwrap(), [is("a", 2)]);
    damage(keys[0].checkpoint(1)).await;
    assert!(found().await.is_err(), "none is left");
}

#[tokio::test(start_paused = true)]
async fn positions_are_saved_and_never_go_back() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store, &rt).await;
    let mut writer = writer(&repository, "watch").await;
    let position = |rv: u64, fingerprint: &str| Position {
        policy: "all".into(),
        kind: kind(),
        resource_version: ResourceVersion::from(rv),
        fingerprint: fingerprint.into(),
    };
    let notes = |p| CommitNotes { positions: vec![p], ..CommitNotes::default() };
    for (rv, fingerprint, segment) in [(10, "f", 1), (9, "f", 1), (10, "f", 1), (11, "f", 2), (5, "g", 3)] {
        let mut batch = writer.batch();
        let done = writer.commit(&mut batch, &notes(position(rv, fingerprint))).await.unwrap();
        assert_eq!(done.head.number, segment);
    }
    assert_eq!(writer.positions(), [position(5, "g")]);
    writer.begin_incarnation().await.unwrap();
    assert_eq!(writer.positions(), []);
    assert_eq!(repository.snapshot(CLUSTER).await.unwrap().positions(), []);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_follows_the_log_from_where_it_was() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store.clone(), &rt).await;
    let mut writer = writer(&repository, "watch").await;
    for n in 1..=20 {
        commit(&mut writer, [put("a", n, format!("{n}"))]).await.unwrap();
    }
    let read = async |after| {
        let entries: Vec<LogEntry> = repository.log(CLUSTER, after).try_collect().await.unwrap();
        entries.iter().map(|e| (e.number, e.revisions.len())).collect::<Vec<_>>()
    };
    assert_eq!(read(0).await, (1..=20).map(|n| (n, 1)).collect::<Vec<_>>());
    assert_eq!(read(17).await, [(18, 1), (19, 1), (20, 1)]);
    assert_eq!(read(20).await, []);
    store.delete(&ClusterKeys::new(CLUSTER).segment(5)).await.unwrap();
    let lost = repository.log(CLUSTER, 0).try_collect::<Vec<_>>().await.unwrap_err();
    assert!(lost.to_string().contains("05.seg"), "{lost}");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_selected_again_through_its_namespace_is_there_again() {
    for checkpoints in [false, true] {
        let (store, rt) = (MemoryStore::new(), runtime(1));
        let repository = init(store, &rt).await;
        let mut watch = writer(&repository, "watch").await;
        let mut past = Vec::new();
        // The annotation of the namespace goes on and off; the object keeps its resourceVersion.
        for selected in [true, false, true, false] {
            let change = if selected { put("a", 5, "one") } else { change("a", 5, What::Released) };
            assert_eq!(commit(&mut watch, [change]).await.unwrap().records, 1);
            if checkpoints {
                watch.checkpoint().await.unwrap();
            }
            assert_eq!(bodies(&repository).await.contains_key("a"), selected);
            past.push((rt.now(), selected));
            rt.sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(history(&repository, "a").await, ["5 released", "5 put", "5 released", "5 put"]);
        for (at, selected) in past {
            let snapshot = repository.snapshot(CLUSTER).await.unwrap().at(at);
            let objects: Vec<_> = snapshot.objects(ObjectFilter::default()).try_collect().await.unwrap();
            assert_eq!(objects.len(), usize::from(selected));
        }
    }
}
