//! Changes on their way into the log.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_first_backup_takes_everything_and_the_second_only_what_changed() {
    let world = World::new(1).await;
    for n in 0..1000 {
        world.put(&format!("c{n}"), "one");
    }
    let first = world.backup().await;
    assert!(first.is_complete(), "{first:?}");
    let kind = &first.kinds[&config_maps()];
    assert_eq!((kind.selected, kind.changed, kind.unchanged), (1000, 1000, 0));
    for n in 0..10 {
        world.put(&format!("c{n}"), "two");
    }
    let second = world.backup().await;
    let kind = &second.kinds[&config_maps()];
    assert_eq!((kind.selected, kind.changed, kind.unchanged), (1000, 10, 990));
    assert_eq!(world.records().await, 1010);
    world.assert_same_as_cluster().await;

    let commits = world.commits();
    let third = world.backup().await;
    assert_eq!(third.total(|k| k.changed), 0);
    assert!(world.commits() <= commits + 1, "a commit for the position at most");
}

#[tokio::test(start_paused = true)]
async fn a_change_is_one_put_and_a_status_is_none() {
    let world = World::new(2).await;
    for n in 0..1000 {
        world.put(&format!("c{n}"), "one");
    }
    let watching = world.watch().await;
    world.until("the first list to be durable", async || watching.kind().committed == 1000).await;
    world.pass(120).await;

    let puts = world.store.calls(Verb::Put).len();
    world.put("c7", "two");
    world.until("the change to be durable", async || watching.kind().committed == 1001).await;
    assert_eq!(world.store.calls(Verb::Put).len(), puts + 1, "{:#?}", world.store.trace());

    let (commits, records) = (world.commits(), world.records().await);
    for n in 0..1000 {
        let ready = crate::manifest::Value::from(format!("ready {n}"));
        world.cluster.put_status(&id(&format!("c{n}")), ready).unwrap();
        world.runtime.sleep(Duration::from_millis(300)).await;
    }
    world.until("all to be idle", async || watching.is_idle()).await;
    assert_eq!(world.records().await, records, "a status makes no record");
    let positions = world.commits() - commits;
    assert!((1..=6).contains(&positions), "{positions} commits of positions in five minutes");
    assert!(watching.kind().unchanged >= 1000);
    let saved = world.snapshot().await.positions();
    assert!(saved.iter().any(|p| p.kind == config_maps()), "{saved:?}");
    watching.kill().await;

    // What was not marked as seen is seen again, and nothing is listed.
    let watching = world.watch().await;
    world.pass(5).await;
    let kind = watching.kind();
    assert_eq!((kind.lists, kind.changed), (0, 0), "{kind:?}");
    assert!(kind.events <= 250, "{} events after a restart", kind.events);
    assert!(watching.stop().await.flushed);
}

#[tokio::test(start_paused = true)]
async fn states_of_one_object_in_quick_succession_end_with_the_last() {
    let world = World::new(3).await;
    world.put("a", "0");
    let watching = world.watch().await;
    for n in 1..=200 {
        world.put("a", &n.to_string());
        if n % 7 == 0 {
            world.runtime.sleep(Duration::from_millis(1)).await;
        }
    }
    // A, B, A: the last one equals what the log has while the second is on its way.
    world.put("a", "back");
    world.put("a", "0");
    let report = watching.stop().await;
    assert!(report.flushed);
    let watching = world.watch().await;
    world.until("all to be idle", async || watching.is_idle()).await;
    watching.stop().await;
    world.assert_same_as_cluster().await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_brings_the_workers_to_their_ceiling_and_starves_nobody() {
    let mut world = World::new(4).await;
    world.options = world
        .options
        .clone()
        .workers(crate::pipeline::Workers::between(1, 6))
        .queue_objects(300)
        .batch_bytes(128 << 10);
    let watching = world.watch().await;
    world.until("the list", async || watching.kind().lists == 1).await;
    let (cluster, runtime) = (world.cluster.clone(), world.runtime.clone());
    // Each read of the log's end takes a while, so that work piles up.
    world.store.set_rates(crate::store::FaultRates {
        slow: 1.0,
        longest_delay: Duration::from_secs(4),
        ..Default::default()
    });
    for n in 0..5000 {
        world.put(&format!("c{n}"), "x");
    }
    let other = r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"calm","namespace":"shop"}}"#;
    cluster.put(other).unwrap();
    let services = GroupKind::new("", "Service");
    let (mut most, mut most_queued) = (0, 0);
    world
        .until("the other kind to be durable", async || {
            most = most.max(watching.kind().workers);
            most_queued = most_queued.max(watching.kind().queue_objects);
            watching.stats.snapshot().kinds.get(&services).is_some_and(|k| k.committed == 1)
        })
        .await;
    let behind = 5000 - watching.kind().committed;
    assert!(behind > 500, "the flood is still under way: {behind}");
    world
        .until("the flood to be durable", async || {
            most = most.max(watching.kind().workers);
            most_queued = most_queued.max(watching.kind().queue_objects);
            watching.kind().committed == 5000
        })
        .await;
    assert_eq!(most, 6, "the ceiling");
    assert!(most_queued <= 300, "{most_queued} objects in the queue");
    world.until("all to be idle", async || watching.kind().workers == 1).await;
    runtime.sleep(Duration::from_mins(1)).await;
    assert_eq!(watching.kind().workers, 1, "the floor");
    world.store.set_rates(crate::store::FaultRates::default());
    watching.stop().await;
    world.assert_same_as_cluster().await;
}

#[tokio::test(start_paused = true)]
async fn one_object_that_cannot_be_read_and_one_kind_that_is_forbidden_stop_nobody_else() {
    let world = World::new(5).await;
    world.put("good", "1");
    // The sanitizer of this run refuses the kind's objects of that name.
    world.cluster.forbid(&GroupKind::new("", "Secret"), true);
    let report = world.backup().await;
    assert!(!report.is_complete());
    let secrets = &report.kinds[&GroupKind::new("", "Secret")];
    assert!(secrets.error.is_some(), "{secrets:?}");
    assert_eq!(report.kinds[&config_maps()].changed, 1);
    assert!(report.kinds[&config_maps()].error.is_none());
    let saved = world.snapshot().await.positions();
    assert!(!saved.iter().any(|p| &*p.kind.kind == "Secret"), "no position of what was not read: {saved:?}");
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_appears_is_followed_and_one_that_goes_is_buried() {
    let world = World::new(6).await;
    let watching = world.watch().await;
    world.pass(5).await;
    let crd = r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"crons.stable.io"},"spec":{"group":"stable.io","names":{"kind":"Cron","plural":"crons"},"scope":"Namespaced","versions":[{"name":"v1","served":true,"storage":true}]}}"#;
    world.cluster.put(crd).unwrap();
    world.pass(5).await;
    world
        .cluster
        .put(r#"{"apiVersion":"stable.io/v1","kind":"Cron","metadata":{"name":"nightly","namespace":"shop"}}"#)
        .unwrap();
    let crons = GroupKind::new("stable.io", "Cron");
    world
        .until("the new kind to be durable", async || {
            watching.stats.snapshot().kinds.get(&crons).is_some_and(|k| k.committed == 1)
        })
        .await;
    let crds = GroupKind::new("apiextensions.k8s.io", "CustomResourceDefinition");
    world.cluster.delete(&ObjectId::new(&crds, "", "crons.stable.io"));
    world
        .until("its objects to be buried", async || {
            world.histories(&crons).await["nightly"].last().unwrap().state == RevisionState::Deleted
        })
        .await;
    watching.stop().await;
}
