//! A process that dies before or after any of its requests, again and again, until its work is done.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::Mutex;

use super::support::*;
use crate::{
    record::{Change, Revision, RevisionState},
    runtime::SharedRuntime,
    store::{Fault, FaultRates, FaultyStore, MemoryStore},
};

const SEEDS: u64 = 90;

/// What the cluster has: name → (resourceVersion, body; none once it is deleted).
type World = BTreeMap<String, (u64, Option<Vec<u8>>)>;

/// The world's steps. Some are big enough for packs.
fn steps(rt: &SharedRuntime, big: Option<u64>) -> Vec<Vec<Change>> {
    let mut rv = 0;
    let steps = (0..12_u64).map(|step| {
        let objects = if Some(step) == big { 12 } else { 1 + rt.random() % 6 };
        let changes = (0..objects).map(|n| {
            rv += 1;
            let name = if Some(step) == big { format!("o{n}") } else { format!("o{}", rt.random() % 40) };
            if Some(step) != big && rt.random().is_multiple_of(5) {
                return deleted(name, rv);
            }
            let len = if Some(step) == big { 100_000 } else { 20 };
            let body: Vec<u8> = (0..len / 8).flat_map(|_| rt.random().to_le_bytes()).collect();
            put(name, rv, body)
        });
        // The newest state of each object only, as a queue that coalesces gives it.
        let newest: BTreeMap<String, Change> = changes.map(|c| (c.id.name.to_string(), c)).collect();
        newest.into_values().collect()
    });
    steps.collect()
}

/// One life of the process: goes on after the last acknowledged step, compares with the index as an engine
/// does, commits what differs, and says what was acknowledged.
async fn live(
    store: FaultyStore,
    rates: FaultRates,
    rt: &SharedRuntime,
    steps: &[Vec<Change>],
    done: &Mutex<usize>,
    acknowledged: &Mutex<World>,
) {
    let repository = open(store.clone(), rt).await.unwrap();
    // From here on everything is tried again.
    store.set_rates(rates);
    let mut writer = writer(&repository, "watch").await;
    loop {
        let step = *done.lock().await;
        let Some(changes) = steps.get(step) else { break };
        let mut batch = writer.batch();
        for change in changes {
            let newest = writer.index().newest(&change.id).await.unwrap();
            let known = newest.is_some_and(|n| n.order.resource_version == change.resource_version);
            if !known {
                batch.push(change.clone()).await.unwrap();
            }
        }
        writer.commit(&mut batch, &super::super::CommitNotes::default()).await.unwrap();
        let mut acknowledged = acknowledged.lock().await;
        for change in changes {
            let body = match &change.what {
                crate::record::What::Put { body, .. } => Some(body.to_vec()),
                _ => None,
            };
            let rv = change.resource_version.number().unwrap();
            acknowledged.insert(change.id.name.to_string(), (rv, body));
        }
        drop(acknowledged);
        *done.lock().await += 1;
        if step % 3 == 2 {
            writer.checkpoint().await.unwrap();
        }
    }
    writer.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_is_there_and_nothing_is_doubled() {
    let (mut deaths, mut packs) = (0, 0);
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let (memory, rt) = (MemoryStore::new(), runtime(seed));
        init(memory.clone(), &rt).await;
        let steps = steps(&rt, (seed % 4 == 1).then_some(seed % 12));
        // Every third storage is not at its best, besides.
        let rate = if seed.is_multiple_of(3) { 0.05 } else { 0.0 };
        let rates = FaultRates { lost_answer: rate, lost_request: rate, ..FaultRates::default() };
        let (done, acknowledged) = (Mutex::new(0), Mutex::new(World::new()));
        for life in 0_u64.. {
            let faulty = FaultyStore::new(Arc::new(memory.clone()), rt.clone(), seed * 1000 + life);
            // The first seeds die at the first requests, one after the other; then chance decides.
            let at = if life == 0 { 1 + seed / 2 } else { 1 + rt.random() % 25 };
            let how = if (seed + life).is_multiple_of(2) { Fault::DieBefore } else { Fault::DieAfter };
            if life < 6 {
                faulty.die_at(at, how);
            }
            tokio::select! {
                () = live(faulty.clone(), rates, &rt, &steps, &done, &acknowledged) => break,
                () = faulty.died() => deaths += 1,
            }
            // Whatever was acknowledged is there at every moment, not just in the end.
            check(&memory, &rt, &*acknowledged.lock().await, false).await;
        }
        packs += check(&memory, &rt, &*acknowledged.lock().await, true).await;
    }
    assert!(deaths > SEEDS, "they died {deaths} times");
    assert!(packs > SEEDS, "only {packs} bodies lay in packs");
}

/// Compares the repository with what was acknowledged; says how many bodies lie in packs.
async fn check(memory: &MemoryStore, rt: &SharedRuntime, world: &World, is_all: bool) -> u64 {
    let repository = open(memory.clone(), rt).await.unwrap();
    if world.is_empty() {
        return 0;
    }
    let snapshot = repository.snapshot(CLUSTER).await.unwrap();
    let mut packs = 0;
    for (name, (rv, body)) in world {
        let revisions: Vec<Revision> = snapshot.history(&id(name)).await.unwrap();
        let newest = &revisions[0];
        let at = newest.order.resource_version.number().unwrap();
        assert!(revisions.windows(2).all(|w| w[0].order != w[1].order), "{name} is doubled: {revisions:?}");
        assert!(revisions.windows(2).all(|w| (w[0].state, w[0].digest) != (w[1].state, w[1].digest)), "{name}");
        match body {
            // Something newer was stored, and the process died before it heard of that.
            _ if at > *rv => assert!(!is_all, "{name} is at {at}, acknowledged at {rv}"),
            Some(body) => assert_eq!((at, snapshot.body(newest).await.unwrap()), (*rv, body.clone().into())),
            // What was deleted is not deleted again: the first one may be older.
            None => assert_eq!(newest.state, RevisionState::Deleted),
        }
        let in_pack = |v: &&Revision| matches!(v.place.map(|p| p.file), Some(crate::record::BodyFile::Pack(_)));
        packs += revisions.iter().filter(in_pack).count() as u64;
    }
    packs
}
