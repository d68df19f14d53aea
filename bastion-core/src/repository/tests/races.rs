//! Several writers, lost answers, late ones: the commit protocol.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::stream::TryStreamExt;

use super::{
    super::{CommitNotes, WriterOptions, format::keys::ClusterKeys},
    support::*,
};
use crate::{
    error::Error,
    record::{Acknowledgement, RevisionState},
    store::{Fault, FaultRates, FaultyStore, Key, MemoryStore, Store, StoreError, Verb},
};

#[tokio::test(start_paused = true)]
async fn two_writers_race_a_hundred_commits_each() {
    for seed in 0..5 {
        println!("seed {seed}");
        let (memory, rt) = (MemoryStore::new(), runtime(seed));
        init(memory.clone(), &rt).await;
        // resourceVersions are dealt out to both, as etcd does; both see some of the same objects.
        let revision = Arc::new(Mutex::new(0_u64));
        let said = Arc::new(Mutex::new(BTreeMap::<String, u64>::new()));
        let race = async |role: &'static str, seed: u64| {
            let faulty = FaultyStore::new(Arc::new(memory.clone()), rt.clone(), seed);
            let repository = open(faulty.clone(), &rt).await.unwrap();
            faulty.set_rates(FaultRates { longest_delay: Duration::from_millis(300), ..FaultRates::rough() });
            let mut writer = writer(&repository, role).await;
            for n in 0..100 {
                let own = format!("{role}-{n}");
                let (a, b) = {
                    let mut revision = revision.lock().unwrap();
                    *revision += 2;
                    let mut said = said.lock().unwrap();
                    said.insert(own.clone(), *revision - 1);
                    let newest = said.entry(format!("shared-{}", n % 7)).or_default();
                    *newest = (*newest).max(*revision);
                    (*revision - 1, *revision)
                };
                let shared = put(format!("shared-{}", n % 7), b, format!("{role} {b}"));
                let done = commit(&mut writer, [put(own, a, format!("{a}")), shared]).await.unwrap();
                assert_eq!(done.records + done.stale, 2);
                assert!(done.records >= 1, "nobody else writes that");
            }
            writer.close().await.unwrap();
        };
        tokio::join!(race("watch", seed * 2 + 1), race("backup", seed * 2 + 2));

        let repository = open(memory, &rt).await.unwrap();
        let snapshot = repository.snapshot(CLUSTER).await.unwrap();
        let said = said.lock().unwrap().clone();
        for (name, rv) in &said {
            let revisions = snapshot.history(&id(name)).await.unwrap();
            assert_eq!(revisions[0].order.resource_version.number(), Some(*rv), "{name}");
            let mut seen = revisions.iter().map(|v| v.order.clone()).collect::<Vec<_>>();
            seen.dedup();
            assert_eq!(seen.len(), revisions.len(), "{name} is doubled");
        }
        let entries: Vec<_> = repository.log(CLUSTER, 0).try_collect().await.unwrap();
        assert!(entries.iter().map(|e| e.number).eq(1..=entries.len() as u64));
        assert!(entries.is_sorted_by_key(|e| e.at));
        assert!(entries.len() <= 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_own_success() {
    for fault in [Fault::LostAnswer, Fault::LostRequest, Fault::Throttled, Fault::Unavailable] {
        let (memory, rt) = (MemoryStore::new(), runtime(1));
        let faulty = FaultyStore::new(Arc::new(init_in(&memory, &rt).await), rt.clone(), 1);
        let repository = open(faulty.clone(), &rt).await.unwrap();
        let mut writer = writer(&repository, "watch").await;
        for _ in 0..3 {
            faulty.fail_next(Verb::Put, fault);
        }
        let done = commit(&mut writer, [put("a", 1, "one")]).await.unwrap();
        assert_eq!((done.records, done.stale, done.head.number), (1, 0, 1), "{fault:?}");
        let done = commit(&mut writer, [put("a", 2, "two")]).await.unwrap();
        assert_eq!(done.head.number, 2);
        assert_eq!(history(&repository, "a").await, ["2 put", "1 put"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_arrives_late_is_no_second_commit() {
    let (memory, rt) = (MemoryStore::new(), runtime(1));
    let faulty = FaultyStore::new(Arc::new(init_in(&memory, &rt).await), rt.clone(), 1);
    let repository = open(faulty.clone(), &rt).await.unwrap();
    let mut writer = writer(&repository, "watch").await;
    faulty.fail_next(Verb::Put, Fault::Late(Duration::from_secs(90)));
    faulty.fail_next(Verb::Put, Fault::LostRequest);
    commit(&mut writer, [put("a", 1, "one")]).await.unwrap();
    rt.sleep(Duration::from_secs(100)).await;
    let done = commit(&mut writer, [put("a", 1, "one"), put("b", 2, "two")]).await.unwrap();
    assert_eq!((done.records, done.stale, done.head.number), (1, 1, 2));
    assert_eq!(history(&repository, "a").await, ["1 put"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_whose_commit_failed_is_committed_once_by_the_next_try() {
    let (memory, rt) = (MemoryStore::new(), runtime(1));
    let faulty = FaultyStore::new(Arc::new(init_in(&memory, &rt).await), rt.clone(), 1);
    let repository = open(faulty.clone(), &rt).await.unwrap();
    let options = WriterOptions::new(UID, "watch").give_up_after(Some(Duration::ZERO));
    let mut writer = repository.writer(CLUSTER, options).await.unwrap();
    let mut batch = writer.batch();
    batch.push(put("a", 1, "one")).await.unwrap();
    for (fault, what) in
        [(Fault::Denied, "denied"), (Fault::Full, "full"), (Fault::LostAnswer, "stored, but the answer was lost")]
    {
        faulty.fail_next(Verb::Put, fault);
        let failed = writer.commit(&mut batch, &CommitNotes::default()).await.unwrap_err();
        assert!(matches!(failed, Error::Store(_)), "{what}: {failed}");
        assert_eq!(batch.len(), 1, "{what}");
    }
    let done = writer.commit(&mut batch, &CommitNotes::default()).await.unwrap();
    assert_eq!((done.records, done.stale, done.head.number), (1, 0, 1));
    assert!(batch.is_empty());
    assert_eq!(history(&repository, "a").await, ["1 put"]);
}

#[tokio::test(start_paused = true)]
async fn storage_that_is_away_for_an_hour_delays_a_commit() {
    let (memory, rt) = (MemoryStore::new(), runtime(1));
    let faulty = FaultyStore::new(Arc::new(init_in(&memory, &rt).await), rt.clone(), 1);
    let repository = open(faulty.clone(), &rt).await.unwrap();
    let mut writer = writer(&repository, "watch").await;
    faulty.set_down(true);
    let back = async {
        rt.sleep(Duration::from_hours(1)).await;
        faulty.set_down(false);
    };
    let (done, ()) = tokio::join!(commit(&mut writer, [put("a", 1, "one")]), back);
    assert_eq!(done.unwrap().records, 1);
    assert!(rt.uptime() < Duration::from_secs(3_700), "back soon after the storage was");
    assert!(faulty.calls(Verb::Put).len() < 500, "not hammered");
}

#[tokio::test(start_paused = true)]
async fn a_stale_leader_stops_for_good_and_says_so() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store, &rt).await;
    let leader = || WriterOptions::new(UID, "controller").fenced(true);
    let mut old = repository.writer(CLUSTER, leader()).await.unwrap();
    commit(&mut old, [put("a", 1, "one")]).await.unwrap();
    let mut new = repository.writer(CLUSTER, leader()).await.unwrap();
    assert_eq!((old.epoch(), new.epoch()), (1, 2));
    // A writer of another role is none of their business.
    let mut other = writer(&repository, "backup").await;

    for _ in 0..2 {
        let stopped = commit(&mut old, [put("a", 2, "two")]).await.unwrap_err();
        assert!(matches!(stopped, Error::Fenced { ours: 1, theirs: 2, .. }), "{stopped}");
    }
    assert!(matches!(old.close().await, Err(Error::Fenced { .. })));
    commit(&mut other, [put("b", 3, "three")]).await.unwrap();
    commit(&mut new, [put("a", 4, "four")]).await.unwrap();
    assert_eq!(history(&repository, "a").await, ["4 put", "1 put"]);

    // Epochs outlive checkpoints.
    new.close().await.unwrap();
    assert_eq!(repository.writer(CLUSTER, leader()).await.unwrap().epoch(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_late_writer_cannot_bury_a_newer_state() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store, &rt).await;
    let mut late = writer(&repository, "backup").await;
    let mut watch = writer(&repository, "watch").await;
    commit(&mut watch, [put("a", 10, "new"), deleted("b", 11), put("c", 12, "same")]).await.unwrap();

    let changes = [put("a", 5, "old"), put("b", 6, "old"), put("c", 13, "same"), put("d", 7, "unseen")];
    let done = commit(&mut late, changes).await.unwrap();
    assert_eq!((done.records, done.stale), (1, 3));
    assert_eq!(done.foreign, [id("a"), id("b"), id("c")]);
    assert_eq!(late.index().newest(&id("b")).await.unwrap().unwrap().state, RevisionState::Deleted);
    assert_eq!(history(&repository, "a").await, ["10 put"]);
    assert_eq!(history(&repository, "b").await, ["11 deleted"]);
    assert_eq!(history(&repository, "c").await, ["12 put"]);
    // Nothing new at all writes nothing at all.
    let done = commit(&mut late, [put("a", 9, "old")]).await.unwrap();
    assert_eq!((done.records, done.stale, done.head.number), (0, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn states_of_an_earlier_life_of_etcd_are_dropped() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store, &rt).await;
    let mut backup = writer(&repository, "backup").await;
    let mut batch = backup.batch();
    batch.push(put("a", 1000, "before the restore")).await.unwrap();
    let mut watch = writer(&repository, "watch").await;
    commit(&mut watch, [put("a", 900, "first")]).await.unwrap();
    watch.begin_incarnation().await.unwrap();
    commit(&mut watch, [put("a", 500, "after the restore")]).await.unwrap();
    let done = backup.commit(&mut batch, &CommitNotes::default()).await.unwrap();
    assert_eq!((done.records, done.stale), (0, 1));
    assert_eq!(history(&repository, "a").await, ["500 put", "900 put"]);
    // Who wants to begin one that began already has it.
    assert_eq!(backup.begin_incarnation().await.unwrap().incarnation, 3);
    assert_eq!(watch.begin_incarnation().await.unwrap().incarnation, 3);
}

#[tokio::test(start_paused = true)]
async fn a_number_that_was_swept_is_not_created_again() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store.clone(), &rt).await;
    let mut sleeper = writer(&repository, "backup").await;
    commit(&mut sleeper, [put("a", 1, "one")]).await.unwrap();
    let mut watch = writer(&repository, "watch").await;
    for n in 2..=9 {
        commit(&mut watch, [put(format!("o{n}"), n, "x")]).await.unwrap();
    }
    watch.checkpoint().await.unwrap();
    let keys = ClusterKeys::new(CLUSTER);
    for n in 2..=9 {
        // A sweep would keep what bodies lie in; these are not asked for here.
        store.delete(&keys.segment(n)).await.unwrap();
    }
    rt.sleep(Duration::from_mins(2)).await;
    let done = commit(&mut sleeper, [put("a", 10, "ten"), put("o9", 9, "x")]).await.unwrap();
    assert_eq!((done.records, done.stale, done.head.number), (1, 1, 10));
    for n in 2..=9 {
        assert!(matches!(store.head(&keys.segment(n)).await, Err(StoreError::NotFound { .. })), "segment {n} is back");
    }
    commit(&mut watch, [put("a", 11, "eleven")]).await.unwrap();
    assert_eq!(history(&repository, "a").await, ["11 put", "10 put", "1 put"]);
}

#[tokio::test(start_paused = true)]
async fn a_persons_word_reaches_the_writer_that_waits_for_it() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store, &rt).await;
    let mut watch = writer(&repository, "watch").await;
    let withheld = crate::record::Withheld {
        kind: kind(),
        policy: "all".into(),
        count: 90,
        of: 100,
        since: rt.now(),
        examples: vec!["shop/a".into()],
    };
    let notes = CommitNotes { withheld: vec![withheld.clone()], ..CommitNotes::default() };
    watch.commit(&mut watch.batch(), &notes).await.unwrap();
    watch.checkpoint().await.unwrap();

    let mut person = writer(&repository, "deletions").await;
    assert_eq!(person.withheld(), std::slice::from_ref(&withheld));
    let word = Acknowledgement { kind: kind(), policy: "all".into(), since: withheld.since, by: "ann".into() };
    let notes = CommitNotes { acknowledgements: vec![word.clone()], ..CommitNotes::default() };
    person.commit(&mut person.batch(), &notes).await.unwrap();
    assert_eq!(watch.catch_up().await.unwrap().acknowledged, std::slice::from_ref(&word));
    assert_eq!(watch.catch_up().await.unwrap().acknowledged, []);
    person.close().await.unwrap();
    // It stands until it was acted upon, even for a writer that starts later.
    assert_eq!(writer(&repository, "watch").await.acknowledgements(), [word]);
    let over = crate::record::Withheld { count: 0, ..withheld };
    let notes = CommitNotes { withheld: vec![over], ..CommitNotes::default() };
    watch.commit(&mut watch.batch(), &notes).await.unwrap();
    assert_eq!((watch.acknowledgements(), watch.withheld()), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_segment_that_does_not_follow_is_refused() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store.clone(), &rt).await;
    let mut writer = writer(&repository, "watch").await;
    for n in 1..=4 {
        commit(&mut writer, [put("a", n, format!("{n}"))]).await.unwrap();
    }
    let keys = ClusterKeys::new(CLUSTER);
    let missing = |n: u64, key: &Key| assert_eq!(*key, keys.segment(n));
    let stored = store.get(&keys.segment(3), None).await.unwrap();
    store.delete(&keys.segment(3)).await.unwrap();
    match repository.snapshot(CLUSTER).await.unwrap_err() {
        Error::Corrupt { key, .. } => missing(3, &key),
        e => panic!("{e}"),
    }
    let mut flipped = stored.to_vec();
    flipped[40] ^= 1;
    store.put(&keys.segment(3), flipped.into(), &crate::store::PutOptions::overwrite()).await.unwrap();
    match repository.snapshot(CLUSTER).await.unwrap_err() {
        Error::Corrupt { key, .. } => missing(3, &key),
        e => panic!("{e}"),
    }
}

async fn init_in(memory: &MemoryStore, rt: &crate::runtime::SharedRuntime) -> MemoryStore {
    init(memory.clone(), rt).await;
    memory.clone()
}
