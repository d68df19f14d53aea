//! Index, checkpoints and snapshots against a model that keeps everything.

use std::{collections::BTreeMap, time::Duration};

use futures::stream::TryStreamExt;
use proptest::prelude::*;

use super::{
    super::{ObjectFilter, WriterOptions},
    support::*,
};
use crate::{
    record::{Change, Revision, RevisionState},
    store::MemoryStore,
};

#[derive(Debug, Clone)]
enum Step {
    /// These objects (by number) are put (or deleted) in one commit.
    Commit(Vec<(u8, bool)>),
    Checkpoint,
    /// A new start, with so many objects in memory.
    Restart(usize),
    Incarnation,
    Wait,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => prop::collection::vec((0_u8..30, prop::bool::weighted(0.7)), 1..6).prop_map(Step::Commit),
        4 => Just(Step::Checkpoint),
        2 => prop_oneof![Just(1), Just(4), Just(100)].prop_map(Step::Restart),
        1 => Just(Step::Incarnation),
        1 => Just(Step::Wait),
    ];
    prop::collection::vec(step, 1..60)
}

/// What a state is to a test.
type Seen = (u32, u64, RevisionState, i64);

fn seen(v: &Revision) -> Seen {
    (v.order.incarnation, v.order.resource_version.number().unwrap(), v.state, v.at.as_millis())
}

fn name(n: u8) -> String {
    format!("o{n:02}")
}

async fn story(steps: Vec<Step>) {
    let (store, rt) = (MemoryStore::new(), runtime(1));
    let repository = init(store, &rt).await;
    let mut writer = writer(&repository, "watch").await;
    let mut model: BTreeMap<u8, Vec<Seen>> = BTreeMap::new();
    let (mut rv, mut incarnation, mut between) = (100, 1, None);
    for step in steps {
        match step {
            Step::Commit(objects) => {
                let objects: BTreeMap<u8, bool> = objects.into_iter().collect();
                let mut changes: Vec<Change> = Vec::new();
                for (n, exists) in &objects {
                    rv += 1;
                    let body = format!("{n} {incarnation} {rv}");
                    changes.push(if *exists { put(name(*n), rv, body) } else { deleted(name(*n), rv) });
                }
                let done = commit(&mut writer, changes.clone()).await.unwrap();
                for (change, n) in changes.iter().zip(objects.keys()) {
                    let state = change.what.state();
                    let states = model.entry(*n).or_default();
                    // What is deleted already is not deleted again.
                    if state == RevisionState::Put || states.first().is_none_or(|s| s.2 != state) {
                        let rv = change.resource_version.number().unwrap();
                        states.insert(0, (incarnation, rv, state, done.head.at.as_millis()));
                    }
                }
            }
            Step::Checkpoint => writer.checkpoint().await.unwrap(),
            Step::Restart(capacity) => {
                let options = WriterOptions::new(UID, "watch").index_capacity(capacity);
                writer = repository.writer(CLUSTER, options).await.unwrap();
            }
            Step::Incarnation => {
                let head = writer.begin_incarnation().await.unwrap();
                (incarnation, rv) = (head.incarnation, 100);
            }
            Step::Wait => {
                between = Some(rt.now());
                rt.sleep(Duration::from_secs(1)).await;
            }
        }
    }
    let index = writer.index();
    for n in 0..31 {
        let newest = index.newest(&id(name(n))).await.unwrap();
        let newest = newest.map(|n| (n.order.incarnation, n.order.resource_version.number().unwrap(), n.state));
        let expected = model.get(&n).map(|s| (s[0].0, s[0].1, s[0].2));
        assert_eq!(newest, expected, "{}", name(n));
    }
    let live: Vec<_> = index.live(&kind()).try_collect().await.unwrap();
    let names: Vec<_> = live.iter().map(|(id, _)| id.name.to_string()).collect();
    assert_eq!(names, model.keys().map(|n| name(*n)).collect::<Vec<_>>());
    if model.is_empty() {
        return;
    }
    let snapshot = repository.snapshot(CLUSTER).await.unwrap();
    for (n, states) in &model {
        let history = snapshot.history(&id(name(*n))).await.unwrap();
        assert_eq!(&history.iter().map(seen).collect::<Vec<_>>(), states);
    }
    let filter = || ObjectFilter::all().states([RevisionState::Put, RevisionState::Deleted]);
    for at in [None, between] {
        let snapshot = at.map_or_else(|| snapshot.clone(), |at| snapshot.clone().at(at));
        let objects: Vec<_> = snapshot.objects(filter()).try_collect().await.unwrap();
        let objects: Vec<_> = objects.iter().map(seen).collect();
        let visible = |states: &Vec<Seen>| {
            let newest = states.iter().find(|s| at.is_none_or(|at| s.3 <= at.as_millis()));
            newest.copied()
        };
        assert_eq!(objects, model.values().filter_map(visible).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
    #[test]
    fn the_index_knows_what_a_model_knows(steps in steps()) {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        tokio.block_on(story(steps));
    }
}
