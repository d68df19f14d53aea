//! Faults of docs/reliability.md that need no story of their own elsewhere.

use super::*;
use crate::{
    record::RevisionState::{Deleted, Put},
    store::{Fault, FaultRates},
};

#[tokio::test(start_paused = true)]
async fn bursts_of_503_slow_it_down_and_lose_nothing() {
    let mut world = World::new(40).await;
    world.options = world.options.clone().queue_objects(100);
    let watching = world.watch().await;
    let mut queued = 0;
    for burst in 0..10 {
        let rate = if burst % 2 == 0 { 0.9 } else { 0.0 };
        world.store.set_rates(FaultRates { throttled: rate, ..FaultRates::default() });
        for n in 0..200 {
            world.put(&format!("c{n}"), &format!("{burst}"));
            if n % 20 == 0 {
                world.pass(1).await;
                queued = queued.max(watching.kind().queue_objects);
            }
        }
    }
    world.store.set_rates(FaultRates::default());
    world.until("all to be idle", async || watching.is_idle() && watching.kind().events >= 2000).await;
    assert!(queued <= 100, "{queued} objects in the queue");
    assert!(watching.stop().await.flushed);
    world.assert_same_as_cluster().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_named_and_waited_for_and_what_was_saved_stays_readable() {
    let world = World::new(41).await;
    world.put("a", "1");
    let watching = world.watch().await;
    world.until("the list", async || watching.kind().committed == 1).await;
    world.store.set_script(|op| (op.verb == Verb::Put).then_some(Fault::Full));
    world.put("a", "2");
    world.pass(600).await;
    let error = watching.stats.snapshot().engine.error.unwrap();
    assert!(error.message.contains("full") || error.message.contains("no room"), "{error}");
    assert_eq!(world.states().await["a"], [Put]);
    world.store.set_script(|_| None);
    world.until("the change", async || watching.kind().committed == 2).await;
    watching.stop().await;
    world.assert_same_as_cluster().await;
}

/// 410 Gone: all is listed anew, and what did not change is not written again.
#[tokio::test(start_paused = true)]
async fn an_expired_watch_lists_anew_and_writes_only_what_changed() {
    let world = World::new(42).await;
    for n in 0..100 {
        world.put(&format!("c{n}"), "1");
    }
    let watching = world.watch().await;
    world.until("the list", async || watching.kind().committed == 100).await;
    world.put("c7", "2");
    world.cluster.delete(&id("c8"));
    world.cluster.compact();
    world.until("the second list", async || watching.kind().lists == 2 && watching.is_idle()).await;
    assert_eq!(watching.kind().committed, 102);
    watching.stop().await;
    world.assert_same_as_cluster().await;
}

/// Of a kind that the log has, content is read only where it differs, in this life of the process and the next.
#[tokio::test(start_paused = true)]
async fn after_a_410_only_differences_are_read() {
    for seed in 60..64 {
        let world = World::new(seed).await;
        for n in 0..300 {
            world.put(&format!("c{n}"), "1");
        }
        let watching = world.watch().await;
        world.until("the list", async || watching.is_idle() && watching.kind().committed == 300).await;
        differ(&world, 1);
        world.until("the second list", async || watching.kind().lists == 2 && watching.is_idle()).await;
        let kind = watching.kind();
        assert_eq!((kind.reread, kind.hashed, kind.committed, kind.unchanged), (2, 302, 303, 298), "seed {seed}");
        watching.stop().await;

        differ(&world, 2);
        let watching = world.watch().await;
        world.until("the third list", async || watching.kind().lists == 1 && watching.is_idle()).await;
        let kind = watching.kind();
        assert_eq!((kind.reread, kind.hashed, kind.committed, kind.unchanged), (2, 2, 3, 298), "seed {seed}");
        watching.stop().await;
        world.assert_same_as_cluster().await;
    }
}

/// One object changed, one new, one gone; and nobody may ask for the events.
fn differ(world: &World, n: usize) {
    world.put(&format!("c{n}"), "2");
    world.put(&format!("new{n}"), "1");
    world.cluster.delete(&id(&format!("c{}", n + 10)));
    world.cluster.compact();
}

#[tokio::test(start_paused = true)]
async fn where_nearly_everything_differs_a_list_with_content_costs_less() {
    let world = World::new(65).await;
    for n in 0..3000 {
        world.put(&format!("c{n}"), "1");
    }
    let watching = world.watch().await;
    world.until("the list", async || watching.is_idle() && watching.kind().committed == 3000).await;
    watching.stop().await;
    for n in 0..3000 {
        world.put(&format!("c{n}"), "2");
    }
    world.cluster.compact();
    let watching = world.watch().await;
    world.until("the changes", async || watching.is_idle() && watching.kind().committed == 3000).await;
    assert!(watching.kind().reread < 1100, "{} objects were read one by one", watching.kind().reread);
    assert_eq!(watching.kind().lists, 1, "the one that was given up is not counted");
    watching.stop().await;
    world.assert_same_as_cluster().await;
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_list_deletes_nothing_and_is_read_again_when_it_is_allowed() {
    let world = World::new(43).await;
    for name in ["a", "b", "c"] {
        world.put(name, "1");
    }
    world.backup().await;
    world.cluster.delete(&id("b"));
    world.cluster.compact();
    world.cluster.forbid(&config_maps(), true);
    let report = world.backup().await;
    assert!(report.kinds[&config_maps()].error.is_some());
    let watching = world.watch().await;
    world.pass(600).await;
    assert_eq!((watching.kind().deleted, watching.kind().lists), (0, 0));
    assert!(world.states().await.values().all(|states| *states == [Put]));
    world.cluster.forbid(&config_maps(), false);
    world.until("the tombstone", async || watching.kind().deleted == 1 && watching.is_idle()).await;
    watching.stop().await;
    assert_eq!(world.states().await["b"], [Put, Deleted]);
    world.assert_same_as_cluster().await;
}

/// A list that is complete by its own word and shows nothing: an aggregated API server whose storage is gone.
#[tokio::test(start_paused = true)]
async fn an_empty_list_of_a_kind_with_many_objects_is_not_believed() {
    let world = World::new(44).await;
    for n in 0..60 {
        world.put(&format!("c{n}"), "1");
    }
    world.backup().await;
    for n in 0..60 {
        world.cluster.delete(&id(&format!("c{n}")));
    }
    let report = world.backup().await;
    let kind = &report.kinds[&config_maps()];
    assert_eq!((kind.deleted, kind.withheld.as_ref().unwrap().count), (0, 60));
    assert!(world.states().await.values().all(|states| *states == [Put]));
}

fn crd(version: &str) -> String {
    format!(
        r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{{"name":"crons.stable.io"}},"spec":{{"group":"stable.io","names":{{"kind":"Cron","plural":"crons"}},"scope":"Namespaced","versions":[{{"name":"{version}","served":true,"storage":true}}]}}}}"#
    )
}

fn cron(version: &str) -> String {
    format!(
        r#"{{"apiVersion":"stable.io/{version}","kind":"Cron","metadata":{{"name":"nightly","namespace":"shop"}}}}"#
    )
}

#[tokio::test(start_paused = true)]
async fn a_crd_that_is_made_again_or_changes_its_version_continues_the_history() {
    let world = World::new(45).await;
    let crons = GroupKind::new("stable.io", "Cron");
    let watching = world.watch().await;
    let revisions = async || {
        let all = world.histories(&crons).await;
        let of = |v: &Revision| (v.state, v.version.to_string());
        all.get("nightly").map(|all| all.iter().map(of).collect::<Vec<_>>()).unwrap_or_default()
    };
    world.cluster.put(crd("v1")).unwrap();
    world.cluster.put(cron("v1")).unwrap();
    world.until("it is recorded", async || watching.is_idle() && revisions().await.len() == 1).await;
    let crds = GroupKind::new("apiextensions.k8s.io", "CustomResourceDefinition");
    world.cluster.delete(&ObjectId::new(&crds, "", "crons.stable.io"));
    world.until("it is buried", async || revisions().await.len() == 2).await;
    world.cluster.put(crd("v1")).unwrap();
    world.cluster.put(cron("v1")).unwrap();
    world.until("it is recorded again", async || revisions().await.len() == 3).await;
    world.cluster.put(crd("v2")).unwrap();
    world.cluster.put(cron("v2")).unwrap();
    world.until("the new version is recorded", async || revisions().await.len() >= 4).await;
    world.until("all to be idle", async || watching.is_idle()).await;
    watching.stop().await;
    let text = |version: &str| version.to_owned();
    assert_eq!(revisions().await, [(Put, text("v1")), (Deleted, text("v1")), (Put, text("v1")), (Put, text("v2"))]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_made_again_has_one_history_and_two_uids() {
    let world = World::new(46).await;
    world.put("a", "1");
    let watching = world.watch().await;
    world.until("the list", async || watching.kind().committed == 1).await;
    world.cluster.delete(&id("a"));
    world.until("the tombstone", async || watching.kind().committed == 2).await;
    world.put("a", "1");
    world.until("the second life", async || watching.kind().committed == 3).await;
    watching.stop().await;
    let history = world.histories(&config_maps()).await.remove("a").unwrap();
    assert_eq!(history.iter().map(|v| v.state).collect::<Vec<_>>(), [Put, Deleted, Put]);
    assert!(!history[0].uid.is_empty() && !history[2].uid.is_empty());
    assert_ne!(history[0].uid, history[2].uid);
    assert_eq!(history[0].digest, history[2].digest, "a uid is no content");
}

#[tokio::test(start_paused = true)]
async fn a_first_backup_that_is_killed_goes_on_and_writes_nothing_twice() {
    for seed in 0..12 {
        let mut world = World::new(200 + seed).await;
        world.options = world.options.clone().batch_bytes(64 << 10).commit_interval(Duration::ZERO);
        for n in 0..300 {
            world.put(&format!("c{n}"), &"z".repeat(2000));
        }
        world.store.die_at(6 + seed, if seed % 2 == 0 { Fault::DieBefore } else { Fault::DieAfter });
        let engine = world.engine(world.cluster.list()).await.unwrap();
        tokio::select! {
            biased;
            () = world.store.died() => {}
            report = engine.run(CancellationToken::new()) => panic!("seed {seed}: it lived: {report:?}"),
        }
        world.revive(seed);
        let clusters = world.repository().await.unwrap().clusters().await.unwrap().len();
        let durable = if clusters == 0 { 0 } else { world.records().await as u64 };
        let kind = &world.backup().await.kinds[&config_maps()];
        assert_eq!((kind.changed, kind.unchanged), (300 - durable, durable), "seed {seed}");
        assert_eq!(world.records().await, 300, "seed {seed}");
        world.assert_same_as_cluster().await;
    }
}
