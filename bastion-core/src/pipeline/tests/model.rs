//! Any history against a model that knows nothing of queues, workers and commits.

use proptest::prelude::*;

use super::*;
use crate::select::Selection;

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// The object has this content, and its own word on being backed up.
    Put(u8, u8, Option<bool>),
    Delete(u8),
    Status(u8),
    /// Old events are forgotten.
    Compact,
    Pass(u16),
    /// The engine stops, or is killed, and later another begins.
    Stop,
    Kill,
    /// A one-shot backup of what is annotated runs beside or instead of the watch.
    Backup,
    Down(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..12_u8;
    prop_oneof![
        12 => (name.clone(), 0..3_u8, prop::option::weighted(0.8, prop::bool::weighted(0.8))).prop_map(|(n, v, e)| Step::Put(n, v, e)),
        4 => name.clone().prop_map(Step::Delete),
        2 => name.prop_map(Step::Status),
        1 => Just(Step::Compact),
        5 => (0..2000_u16).prop_map(Step::Pass),
        1 => Just(Step::Stop),
        1 => Just(Step::Kill),
        1 => Just(Step::Backup),
        1 => any::<bool>().prop_map(Step::Down),
    ]
}

fn json(name: u8, value: u8, enabled: Option<bool>) -> String {
    let annotations = enabled.map_or(String::new(), |e| format!(r#","annotations":{{"backup/enabled":"{e}"}}"#));
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c{name}","namespace":"shop"{annotations}}},"data":{{"k":"{value}"}}}}"#
    )
}

async fn play(steps: Vec<Step>) {
    let world = World::new(1).await;
    let annotated = || world.cluster.watch().select(Selection::default());
    let mut watching = None;
    for step in steps {
        if watching.is_none() {
            world.store.set_down(false);
            watching = Some(world.watch_of(annotated()).await);
        }
        match step {
            Step::Put(n, v, enabled) => _ = world.cluster.put(json(n, v, enabled)).unwrap(),
            Step::Delete(n) => _ = world.cluster.delete(&id(&format!("c{n}"))),
            Step::Status(n) => _ = world.cluster.put_status(&id(&format!("c{n}")), crate::manifest::Value::Null),
            Step::Compact => world.cluster.compact(),
            Step::Pass(ms) => world.runtime.sleep(Duration::from_millis(ms.into())).await,
            Step::Stop => _ = watching.take().unwrap().stop().await,
            Step::Kill => watching.take().unwrap().kill().await,
            Step::Backup => {
                world.store.set_down(false);
                assert!(world.backup_of(world.cluster.list().select(Selection::default())).await.is_complete());
            }
            Step::Down(down) => world.store.set_down(down),
        }
    }
    world.store.set_down(false);
    let watching = match watching {
        Some(watching) => watching,
        None => world.watch_of(annotated()).await,
    };
    world.pass(90).await;
    world.until("all to be idle", async || watching.is_idle()).await;
    assert!(watching.stop().await.flushed);

    // The model: what exists and says so itself is in the log with its content, and whatever else the log
    // ever had is released where it exists and deleted where it does not.
    let histories = world.histories(&config_maps()).await;
    let snapshot = world.snapshot().await;
    for n in 0..12 {
        let name = format!("c{n}");
        let live = world.cluster.manifest(&id(&name));
        let enabled = live.as_ref().is_some_and(|m| m.annotation("backup/enabled") == Some("true"));
        let newest = histories.get(&name).and_then(|all| all.last());
        match (&live, enabled, newest) {
            (Some(live), true, Some(newest)) => {
                assert_eq!(newest.state, RevisionState::Put, "{name}");
                let body = snapshot.body(newest).await.unwrap();
                assert_eq!(crate::canonical::from_bytes(&body).unwrap().get(&["data"]), live.get(&["data"]), "{name}");
            }
            (_, true, None) => panic!("{name} was never recorded"),
            (Some(_), false, Some(newest)) => assert_ne!(newest.state, RevisionState::Put, "{name} is not selected"),
            (None, _, Some(newest)) => assert_eq!(newest.state, RevisionState::Deleted, "{name} is gone"),
            (_, false, None) => {}
        }
    }
    for (name, revisions) in &histories {
        for pair in revisions.windows(2) {
            assert!(pair[0].state != pair[1].state || pair[0].digest != pair[1].digest, "{name} doubled: {pair:#?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: std::env::var("PROPTEST_CASES").map_or(64, |n| n.parse().unwrap()), max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_log_ends_with_what_the_cluster_has(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(play(steps));
    }
}
