//! Checkpoints of two writers, and index files that are merged or cannot be.

use futures::stream::TryStreamExt;

use super::{
    super::{CommitNotes, ObjectFilter, Repository, VerifyOptions, format::keys::ClusterKeys, log::Log},
    support::*,
};
use crate::{
    record::{Acknowledgement, Revision, Withheld},
    store::{MemoryStore, PutOptions, Store},
};

/// The range of segments of each index file of the newest checkpoint.
async fn index_ranges(repository: &Repository) -> Vec<(u64, u64)> {
    let (checkpoint, _) = Log::new(repository, CLUSTER).newest_checkpoint().await.unwrap().0.unwrap();
    checkpoint.indexes.iter().map(|i| (i.first_segment, i.last_segment)).collect()
}

#[tokio::test(start_paused = true)]
async fn an_object_with_a_very_long_past_is_merged_like_any_other() {
    const STATES: u64 = 4200;
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store, &rt).await;
    let mut watch = writer(&repository, "watch").await;
    let mut times = Vec::new();
    for n in 0..8 {
        let busy = (n * STATES..(n + 1) * STATES).map(|rv| put("busy", 1 + rv, rv.to_string()));
        let others = ["a", "z"].map(|name| put(name, 1 + n, n.to_string()));
        commit(&mut watch, busy.chain(others)).await.unwrap();
        watch.checkpoint().await.unwrap();
        times.push(rt.now());
        rt.sleep(std::time::Duration::from_secs(1)).await;
    }
    assert_eq!(index_ranges(&repository).await, [(1, 8), (1, 8)], "one range, two files");
    let snapshot = repository.snapshot(CLUSTER).await.unwrap();
    let past = snapshot.history(&id("busy")).await.unwrap();
    let past = past.iter().map(|v| v.order.resource_version.number().unwrap());
    assert!(past.eq((1..=8 * STATES).rev()));
    let newest_at = async |time| {
        let at = snapshot.clone().at(time);
        let newest: Vec<Revision> = at.objects(ObjectFilter::default()).try_collect().await.unwrap();
        newest.iter().map(|v| v.order.resource_version.number().unwrap()).collect::<Vec<_>>()
    };
    for (time, n) in times.into_iter().zip(1..) {
        assert_eq!(newest_at(time).await, [n, n * STATES, n]);
    }
    let watch = writer(&repository, "watch").await;
    let live: Vec<_> = watch.index().live(&kind()).try_collect().await.unwrap();
    assert_eq!(live.len(), 3);
    let report = repository.verify(&VerifyOptions::default(), |_| {}).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
}

#[tokio::test(start_paused = true)]
async fn index_files_that_cannot_be_merged_stop_no_checkpoint() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store.clone(), &rt).await;
    let mut watch = writer(&repository, "watch").await;
    for n in 1..=7 {
        commit(&mut watch, [put(format!("o{n}"), n, "x")]).await.unwrap();
        watch.checkpoint().await.unwrap();
    }
    let keys = ClusterKeys::new(CLUSTER);
    let one = store.list(&keys.indexes(), None).try_next().await.unwrap().unwrap().key;
    store.put(&one, "damaged".into(), &PutOptions::overwrite()).await.unwrap();
    commit(&mut watch, [put("o8", 8, "x")]).await.unwrap();
    watch.checkpoint().await.unwrap();
    assert_eq!(index_ranges(&repository).await, (1..=8).map(|n| (n, n)).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn what_others_did_before_their_checkpoint_is_reported() {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store.clone(), &rt).await;
    let mut watch = writer(&repository, "watch").await;
    let mut other = writer(&repository, "backup").await;
    let withheld = ["a", "b"].map(|policy| Withheld {
        kind: kind(),
        policy: policy.into(),
        count: 90,
        of: 100,
        since: rt.now(),
        examples: Vec::new(),
    });
    let notes = CommitNotes { withheld: withheld.to_vec(), ..CommitNotes::default() };
    watch.commit(&mut watch.batch(), &notes).await.unwrap();
    let words = withheld.map(|w| Acknowledgement { kind: w.kind, policy: w.policy, since: w.since, by: "ann".into() });
    let said = |word: &Acknowledgement| CommitNotes { acknowledgements: vec![word.clone()], ..CommitNotes::default() };

    // Their checkpoint covers what this writer has not read, and it finds that out when its own loses.
    commit(&mut other, [put("a", 1, "one")]).await.unwrap();
    other.commit(&mut other.batch(), &said(&words[0])).await.unwrap();
    other.checkpoint().await.unwrap();
    watch.checkpoint().await.unwrap();
    let seen = watch.catch_up().await.unwrap();
    assert_eq!((&*seen.foreign, &*seen.acknowledged), (&[id("a")][..], &words[..1]));

    // Where its segments are gone as well, the checkpoint still says which words stand.
    commit(&mut other, [put("a", 2, "two")]).await.unwrap();
    other.commit(&mut other.batch(), &said(&words[1])).await.unwrap();
    other.checkpoint().await.unwrap();
    let keys = ClusterKeys::new(CLUSTER);
    for n in 4..=other.head().number {
        store.delete(&keys.segment(n)).await.unwrap();
    }
    let seen = watch.catch_up().await.unwrap();
    assert_eq!((&seen.head, &*seen.acknowledged), (other.head(), &words[1..]));
    assert_eq!(watch.catch_up().await.unwrap().acknowledged, []);
}
