//! A process that dies before and after each single PUT of a commit with a pack and of a checkpoint that merges
//! index files, and readers that still hold on to the checkpoint before.

use std::sync::Arc;

use futures::stream::TryStreamExt;

use super::{
    super::{CommitNotes, Repository, VerifyOptions, Writer, format::keys::ClusterKeys},
    support::*,
};
use crate::{
    record::Change,
    runtime::SharedRuntime,
    store::{Fault, FaultyStore, MemoryStore, PutOptions, Store, Verb},
};

/// Checkpoints before the one that merges.
const CHECKPOINTS: u64 = 7;

/// A log with as many index files as can be without a merge.
async fn prepared(rt: &SharedRuntime) -> MemoryStore {
    let memory = MemoryStore::new();
    let mut writer = writer(&init(memory.clone(), rt).await, "watch").await;
    for n in 1..=CHECKPOINTS {
        commit(&mut writer, [put(format!("o{}", n % 3), n, format!("{n}"))]).await.unwrap();
        writer.checkpoint().await.unwrap();
    }
    memory
}

async fn copy(of: &MemoryStore) -> MemoryStore {
    let copy = MemoryStore::new();
    let all: Vec<_> = of.list(&crate::store::Prefix::root(), None).try_collect().await.unwrap();
    for meta in all {
        let bytes = of.get(&meta.key, None).await.unwrap();
        copy.put(&meta.key, bytes, &PutOptions::create()).await.unwrap();
    }
    copy
}

/// What does not compress, so that it goes into packs.
fn changes(rt: &SharedRuntime) -> Vec<Change> {
    let noise = |_| (0..50_000).flat_map(|_| rt.random().to_le_bytes()).collect::<Vec<u8>>();
    (0..5).map(noise).zip(100..).map(|(body, rv)| put(format!("o{}", rv - 100), rv, body)).collect()
}

/// Commits what the log has not, as an engine would, and writes a checkpoint.
async fn work(writer: &mut Writer, changes: &[Change]) {
    let mut batch = writer.batch();
    for change in changes {
        let newest = writer.index().newest(&change.id).await.unwrap();
        if newest.is_none_or(|n| n.order.resource_version != change.resource_version) {
            batch.push(change.clone()).await.unwrap();
        }
    }
    writer.commit(&mut batch, &CommitNotes::default()).await.unwrap();
    writer.checkpoint().await.unwrap();
}

async fn assert_whole(repository: &Repository, changes: &[Change]) -> u64 {
    for (n, change) in changes.iter().enumerate() {
        let earlier = (1..=CHECKPOINTS).rev().filter(|rv| rv % 3 == n as u64).map(|rv| format!("{rv} put"));
        let all: Vec<String> = std::iter::once(format!("{} put", change.resource_version)).chain(earlier).collect();
        assert_eq!(history(repository, &change.id.name).await, all);
    }
    assert_eq!(bodies(repository).await.len(), 5);
    let report = repository.verify(&VerifyOptions::default(), |_| {}).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    report.unreferenced
}

#[tokio::test(start_paused = true)]
async fn killed_before_and_after_each_put_nothing_is_lost_or_doubled() {
    let rt = runtime(1);
    let (before, changes) = (prepared(&rt).await, changes(&rt));
    let mut seen = std::collections::BTreeSet::new();
    let mut orphans = 0;
    for number in 1.. {
        let mut died_at_last = false;
        for how in [Fault::DieBefore, Fault::DieAfter] {
            let memory = copy(&before).await;
            let faulty = FaultyStore::new(Arc::new(memory.clone()), rt.clone(), 1);
            faulty.die_at(number, how);
            let life = async {
                let repository = open(faulty.clone(), &rt).await.unwrap();
                work(&mut writer(&repository, "watch").await, &changes).await;
            };
            tokio::select! {
                biased;
                () = faulty.died() => died_at_last = true,
                () = life => {}
            }
            seen.extend(faulty.calls(Verb::Put).iter().filter_map(|key| key.rsplit_once('.').map(|k| k.1.to_owned())));
            // The next one finishes the work; whatever lay there already is used or an orphan.
            let repository = open(memory.clone(), &rt).await.unwrap();
            work(&mut writer(&repository, "watch").await, &changes).await;
            orphans += assert_whole(&repository, &changes).await;
            let checkpoint = ClusterKeys::new(CLUSTER).checkpoint(CHECKPOINTS + 1);
            assert!(memory.head(&checkpoint).await.is_ok(), "request {number} {how:?}");
        }
        if !died_at_last {
            assert!(number > 8, "only {number} requests");
            break;
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["ckpt", "idx", "json", "pack", "seg"]);
    assert!(orphans > 0, "a pack without its commit, an index file without its checkpoint");
}

#[tokio::test(start_paused = true)]
async fn who_reads_by_an_older_checkpoint_finds_its_files_after_a_merge() {
    let rt = runtime(2);
    let memory = prepared(&rt).await;
    let repository = open(memory.clone(), &rt).await.unwrap();
    let older = repository.snapshot(CLUSTER).await.unwrap();
    let mut late = writer(&repository, "backup").await;
    let index_files = async || {
        let keys = ClusterKeys::new(CLUSTER);
        memory.list(&keys.indexes(), None).try_collect::<Vec<_>>().await.unwrap().len()
    };
    assert_eq!(index_files().await, 7);
    let changes = changes(&rt);
    work(&mut writer(&repository, "watch").await, &changes).await;
    assert_eq!(index_files().await, 9, "the eighth, and one of all eight");

    let words = |revisions: Vec<crate::record::Revision>| {
        revisions.iter().map(|v| v.order.resource_version.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(words(older.history(&id("o0")).await.unwrap()), ["6", "3"]);
    assert_eq!(words(older.history(&id("o1")).await.unwrap()), ["7", "4", "1"]);
    // A writer that stood on it goes on, too.
    commit(&mut late, [put("o0", 200, "late")]).await.unwrap();
    late.checkpoint().await.unwrap();
    assert_eq!(history(&repository, "o0").await, ["200 put", "100 put", "6 put", "3 put"]);
    let report = repository.verify(&VerifyOptions::default(), |_| {}).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
}
