//! Many objects and large ones: packs, bounded memory, many segments, damaged checkpoints.

use std::{sync::Arc, time::Duration};

use futures::stream::TryStreamExt;

use super::{
    super::{CommitNotes, WriterOptions, format::keys::ClusterKeys},
    support::*,
};
use crate::{
    error::Error,
    record::BodyFile,
    runtime::SharedRuntime,
    store::{Fault, FaultyStore, Key, MemoryStore, Prefix, PutOptions, Store, Verb},
};

async fn keys_under(store: &MemoryStore, prefix: &Prefix) -> Vec<(Key, u64)> {
    store.list(prefix, None).map_ok(|m| (m.key, m.size)).try_collect().await.unwrap()
}

/// Bytes that do not compress.
fn noise(rt: &SharedRuntime, len: usize) -> Vec<u8> {
    (0..len / 8).flat_map(|_| rt.random().to_le_bytes()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_large_goes_into_packs_that_a_small_segment_names() {
    let (memory, rt) = (MemoryStore::new(), runtime(1));
    init(memory.clone(), &rt).await;
    let faulty = FaultyStore::new(Arc::new(memory.clone()), rt.clone(), 1);
    let repository = open(faulty.clone(), &rt).await.unwrap();
    let mut writer = writer(&repository, "backup").await;
    let bodies: Vec<Vec<u8>> = (0..60).map(|_| noise(&rt, 500_000)).collect();
    let mut batch = writer.batch();
    for (n, body) in bodies.iter().enumerate() {
        if n == 30 {
            // Packs go up while the batch grows, and a refused one is sent again by the next try.
            rt.sleep(Duration::from_millis(1)).await;
            assert!(faulty.calls(Verb::Put).iter().any(|key| key.contains("/packs/")));
            faulty.fail_next(Verb::Put, Fault::Denied);
        }
        batch.push(put(format!("o{n}"), 1 + n as u64, body.clone())).await.unwrap();
    }
    let refused = writer.commit(&mut batch, &CommitNotes::default()).await.unwrap_err();
    assert!(matches!(refused, Error::Store(_)), "{refused}");
    let done = writer.commit(&mut batch, &CommitNotes::default()).await.unwrap();
    assert_eq!((done.records, done.head.number), (60, 1));

    let keys = ClusterKeys::new(CLUSTER);
    let packs = keys_under(&memory, &keys.packs()).await;
    assert!(packs.len() >= 4 && packs.iter().all(|(_, size)| *size <= 8 << 20), "{packs:?}");
    let segments = keys_under(&memory, &keys.log()).await;
    assert!(segments.len() == 1 && segments[0].1 <= 1 << 20, "{segments:?}");

    writer.close().await.unwrap();
    let snapshot = repository.snapshot(CLUSTER).await.unwrap();
    for (n, body) in bodies.iter().enumerate() {
        let revision = snapshot.history(&id(format!("o{n}"))).await.unwrap().remove(0);
        assert!(matches!(revision.place.unwrap().file, BodyFile::Pack(_)));
        assert_eq!(snapshot.body(&revision).await.unwrap(), body);
    }

    // A flipped byte is found by whoever reads the body, and named.
    let revision = snapshot.history(&id("o0")).await.unwrap().remove(0);
    let BodyFile::Pack(name) = revision.place.unwrap().file else { panic!() };
    let mut bytes = memory.get(&keys.pack(&name), None).await.unwrap().to_vec();
    let at = usize::try_from(revision.place.unwrap().block_start).unwrap() + 5000;
    bytes[at] ^= 0x10;
    memory.put(&keys.pack(&name), bytes.into(), &PutOptions::overwrite()).await.unwrap();
    let damaged = repository.snapshot(CLUSTER).await.unwrap().body(&revision).await.unwrap_err();
    assert!(matches!(&damaged, Error::Corrupt { key, .. } if *key == keys.pack(&name)), "{damaged}");
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_race_made_old_is_dropped_from_packs() {
    let (memory, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(memory.clone(), &rt).await;
    let mut backup = writer(&repository, "backup").await;
    let mut batch = backup.batch();
    for n in 0..8 {
        batch.push(put(format!("o{n}"), 1 + n, noise(&rt, 400_000))).await.unwrap();
    }
    let mut watch = writer(&repository, "watch").await;
    commit(&mut watch, [put("o3", 100, "newer"), deleted("o5", 101)]).await.unwrap();
    let done = backup.commit(&mut batch, &CommitNotes::default()).await.unwrap();
    assert_eq!((done.records, done.stale, done.head.number), (6, 2, 2));
    for close in [false, true] {
        assert_eq!(history(&repository, "o3").await, ["100 put"]);
        assert_eq!(history(&repository, "o5").await, ["101 deleted"]);
        assert_eq!(bodies(&repository).await.len(), 7);
        if !close {
            watch.catch_up().await.unwrap();
            watch.checkpoint().await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn reading_many_bodies_reads_each_block_once() {
    let (memory, rt) = (MemoryStore::new(), runtime(1));
    init(memory.clone(), &rt).await;
    let faulty = FaultyStore::new(Arc::new(memory), rt.clone(), 1);
    let repository = open(faulty.clone(), &rt).await.unwrap();
    let mut writer = writer(&repository, "watch").await;
    let changes = (0..5_000).map(|n| put(format!("o{n:05}"), 1 + n, format!("{n:0>500}")));
    commit(&mut writer, changes).await.unwrap();
    writer.close().await.unwrap();
    let before = faulty.calls(Verb::Get).len();
    assert_eq!(bodies(&repository).await.len(), 5_000);
    let gets = faulty.calls(Verb::Get).len() - before;
    assert!(gets < 40, "{gets} requests");
}

#[tokio::test(start_paused = true)]
async fn two_hundred_and_fifty_six_segments_make_a_checkpoint() {
    let (memory, rt) = (MemoryStore::new(), runtime(1));
    init(memory.clone(), &rt).await;
    let faulty = FaultyStore::new(Arc::new(memory.clone()), rt.clone(), 1);
    let repository = open(faulty.clone(), &rt).await.unwrap();
    let mut writer = writer(&repository, "watch").await;
    for n in 1..=600 {
        commit(&mut writer, [put(format!("o{}", n % 50), n, format!("{n}"))]).await.unwrap();
    }
    let keys = ClusterKeys::new(CLUSTER);
    assert_eq!(keys_under(&memory, &keys.checkpoints()).await.len(), 2);
    // A start is a LIST and a GET of the checkpoint, and the segments after it.
    let before = faulty.operations();
    let snapshot = repository.snapshot(CLUSTER).await.unwrap();
    assert_eq!(snapshot.head().number, 600);
    assert!(faulty.operations() - before <= 3 + 88, "{} requests", faulty.operations() - before);
    assert_eq!(snapshot.history(&id("o7")).await.unwrap().len(), 12);

    // A checkpoint that is damaged is skipped for its parent; without any the whole log is read.
    let newest = keys.checkpoint(2);
    let mut bytes = memory.get(&newest, None).await.unwrap().to_vec();
    bytes[30] ^= 1;
    memory.put(&newest, bytes.into(), &PutOptions::overwrite()).await.unwrap();
    let expected = bodies(&repository).await;
    assert_eq!(expected.len(), 50);
    // The damaged one's number is taken: the next checkpoint has the one after, and stands on the parent.
    let mut again = super::support::writer(&repository, "watch").await;
    commit(&mut again, [put("o7", 1000, "last")]).await.unwrap();
    again.close().await.unwrap();
    assert_eq!(keys_under(&memory, &keys.checkpoints()).await.len(), 3);
    assert_eq!(repository.snapshot(CLUSTER).await.unwrap().history(&id("o7")).await.unwrap().len(), 13);
    for k in 1..=3 {
        memory.delete(&keys.checkpoint(k)).await.unwrap();
    }
    assert_eq!(repository.snapshot(CLUSTER).await.unwrap().history(&id("o7")).await.unwrap().len(), 13);
}

#[tokio::test(start_paused = true)]
async fn index_files_stay_few() {
    let (memory, rt) = (MemoryStore::new(), runtime(1));
    init(memory.clone(), &rt).await;
    let faulty = FaultyStore::new(Arc::new(memory.clone()), rt.clone(), 1);
    let repository = open(faulty.clone(), &rt).await.unwrap();
    let mut writer = writer(&repository, "watch").await;
    for n in 0..200 {
        let changes =
            [put(format!("o{:03}", n % 70), 2 * n + 1, format!("{n}")), put("hot", 2 * n + 2, format!("{n}"))];
        commit(&mut writer, changes).await.unwrap();
        writer.checkpoint().await.unwrap();
    }
    let snapshot = repository.snapshot(CLUSTER).await.unwrap();
    assert_eq!(snapshot.history(&id("hot")).await.unwrap().len(), 200);
    assert_eq!(snapshot.history(&id("o007")).await.unwrap().len(), 3);
    let before = faulty.calls(Verb::Get).len();
    snapshot.clone().history(&id("o008")).await.unwrap();
    let gets = faulty.calls(Verb::Get).len() - before;
    assert!(gets < 60, "{gets} requests for one history");
}

#[tokio::test(start_paused = true)]
async fn two_writers_share_checkpoints() {
    let (memory, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(memory.clone(), &rt).await;
    let mut a = writer(&repository, "watch").await;
    let mut b = writer(&repository, "backup").await;
    for n in 0..20 {
        commit(&mut a, [put(format!("a{n}"), 2 * n + 1, "x")]).await.unwrap();
        commit(&mut b, [put(format!("b{n}"), 2 * n + 2, "x")]).await.unwrap();
        if n % 5 == 0 {
            a.checkpoint().await.unwrap();
            b.checkpoint().await.unwrap();
        }
    }
    a.close().await.unwrap();
    b.close().await.unwrap();
    assert_eq!(bodies(&repository).await.len(), 40);
    assert_eq!(history(&repository, "a0").await, ["1 put"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_no_file_could_hold_fails_alone() {
    let (memory, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(memory, &rt).await;
    let mut writer = repository.writer(CLUSTER, WriterOptions::new(UID, "watch")).await.unwrap();
    let mut batch = writer.batch();
    let refused = batch.push(put("huge", 1, vec![b'x'; 13 << 20])).await.unwrap_err();
    assert!(matches!(refused, Error::Object { .. }));
    batch.push(put("large", 2, noise(&rt, 3 << 20))).await.unwrap();
    // The largest that there may be, behind what nearly fills a pack.
    batch.push(put("larger", 3, noise(&rt, 2 << 20))).await.unwrap();
    batch.push(put("largest", 4, noise(&rt, 12 << 20))).await.unwrap();
    assert_eq!(writer.commit(&mut batch, &CommitNotes::default()).await.unwrap().records, 3);
    let snapshot = repository.snapshot(CLUSTER).await.unwrap();
    for name in ["large", "larger", "largest"] {
        let revision = snapshot.history(&id(name)).await.unwrap().remove(0);
        snapshot.body(&revision).await.unwrap();
    }
}
