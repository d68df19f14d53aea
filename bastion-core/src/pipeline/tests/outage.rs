//! A storage that is away, refuses, or belongs to another.

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;
use crate::store::{Fault, FaultRates};

#[tokio::test(start_paused = true)]
async fn an_hour_without_storage_costs_bounded_memory_and_then_everything_is_caught_up() {
    let mut world = World::new(20).await;
    world.options = world.options.clone().queue_objects(500).queue_bytes(256 << 10).batch_bytes(256 << 10);
    world.cluster.keep_events(1_000_000);
    for n in 0..200 {
        world.put(&format!("c{n}"), "before");
    }
    let watching = world.watch().await;
    world.until("the list", async || watching.kind().committed == 200).await;

    world.store.set_down(true);
    let long = "x".repeat(4000);
    let (mut queued, mut bytes, mut in_flight) = (0, 0, 0);
    for minute in 0..60 {
        for n in 0..200 {
            world.put(&format!("c{}", (minute * 37 + n * 11) % 2000), &format!("{long}{minute}"));
        }
        world.pass(60).await;
        let (kind, engine) = (watching.kind(), watching.stats.snapshot().engine);
        queued = queued.max(kind.queue_objects);
        bytes = bytes.max(kind.queue_bytes);
        in_flight = in_flight.max(engine.bytes_in_flight);
        assert!(kind.oldest_unsaved.is_some_and(|age| age >= Duration::from_secs(30)), "{kind:?}");
    }
    assert!(queued <= 500, "{queued} objects in the queue");
    assert!(bytes <= 256 << 10, "{bytes} bytes in the queue");
    assert!(in_flight <= 256 << 10, "{in_flight} bytes in flight");
    assert_eq!(watching.kind().committed, 200);
    assert!(watching.kind().oldest_unsaved.unwrap() > Duration::from_secs(3500));
    let error = watching.stats.snapshot().engine.error;
    assert!(
        error.is_some_and(|e| e.message.contains("does not answer") || e.message.contains("unavailable")),
        "it is shown"
    );
    assert!(!watching.is_over());

    world.store.set_down(false);
    let cluster_wide = world.cluster.resource_version();
    world.until("all to be caught up", async || watching.is_idle() && watching.kind().queue_objects == 0).await;
    assert_eq!(world.cluster.resource_version(), cluster_wide);
    assert!(watching.kind().reread > 0, "what had to be let go was read again");
    assert!(watching.stop().await.flushed);
    world.assert_same_as_cluster().await;
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_are_waited_for_and_shown() {
    let world = World::new(21).await;
    world.put("a", "1");
    let watching = world.watch().await;
    world.until("the list", async || watching.kind().committed == 1).await;
    world.store.set_script(|op| (op.verb == Verb::Put).then_some(Fault::Denied));
    world.put("a", "2");
    world.pass(1800).await;
    let engine = watching.stats.snapshot().engine;
    assert!(engine.error.as_ref().is_some_and(|e| e.message.contains("denied")), "{engine:?}");
    assert!((10..200).contains(&engine.failures), "{} tries in half an hour", engine.failures);
    world.store.set_script(|_| None);
    world.until("the change", async || watching.kind().committed == 2).await;
    assert_eq!(watching.stats.snapshot().engine.error, None);
    watching.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_one_shot_backup_says_soon_that_it_may_not_write() {
    let world = World::new(22).await;
    world.put("a", "1");
    let engine = world.engine(world.cluster.list()).await.unwrap();
    world.store.set_script(|op| (op.verb == Verb::Put).then_some(Fault::Denied));
    let began = world.runtime.uptime();
    let error = engine.run(CancellationToken::new()).await.unwrap_err();
    assert_eq!(error.category(), crate::Category::Denied);
    assert!(world.runtime.uptime() < began + Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_what_is_under_way_but_not_for_ever() {
    let world = World::new(23).await;
    world.put("a", "1");
    let watching = world.watch().await;
    world.until("the list", async || watching.kind().committed == 1).await;
    world.put("b", "1");
    // Seen, and stopped at once: it is durable nevertheless.
    world.runtime.sleep(Duration::from_millis(1)).await;
    assert!(watching.stop().await.flushed);
    assert_eq!(world.states().await.len(), 2);

    let watching = world.watch().await;
    world.pass(5).await;
    world.store.set_down(true);
    world.put("c", "1");
    world.pass(5).await;
    let began = world.runtime.uptime();
    let report = watching.stop().await;
    assert!(!report.flushed && report.cancelled);
    assert!(world.runtime.uptime() < began + Duration::from_secs(30));
    world.store.set_down(false);
    let watching = world.watch().await;
    world.until("what was cut off", async || watching.kind().committed == 1).await;
    watching.stop().await;
    world.assert_same_as_cluster().await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_was_replaced_stops_and_says_so() {
    let world = World::new(24).await;
    let uid = world.cluster.list().cluster_uid().await.unwrap();
    let repository = world.repository().await.unwrap();
    let options = WriterOptions::new(uid, "controller").fenced(true);
    for busy in [true, false] {
        let writer = repository.writer("prod", options.clone()).await.unwrap();
        let engine = Engine::new(Arc::new(world.cluster.watch()), writer, world.options.clone());
        let old = tokio::spawn(engine.run(CancellationToken::new()));
        world.pass(10).await;
        let _new = repository.writer("prod", options.clone()).await.unwrap();
        if busy {
            world.put("a", "1");
        }
        // One that has nothing to write reads the log's end once a minute.
        let error = tokio::time::timeout(Duration::from_secs(130), old).await.unwrap().unwrap().unwrap_err();
        assert!(matches!(error, crate::Error::Fenced { .. }), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_backup_beside_a_watch_buries_nothing() {
    for seed in 0..8 {
        let world = World::new(100 + seed).await;
        world.cluster.keep_events(100_000);
        for n in 0..50 {
            world.put(&format!("c{n}"), "0");
        }
        let watching = world.watch().await;
        world.store.set_rates(FaultRates {
            slow: 0.5,
            longest_delay: Duration::from_millis(400),
            ..FaultRates::default()
        });
        for round in 0..5_u64 {
            let (cluster, runtime) = (world.cluster.clone(), world.runtime.clone());
            let changes = tokio::spawn(async move {
                for _ in 0..100 {
                    let n = runtime.random() % 60;
                    let value = runtime.random() % 3;
                    if runtime.random() % 5 == 0 {
                        cluster.delete(&id(&format!("c{n}")));
                    } else {
                        let json = format!(
                            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c{n}","namespace":"shop"}},"data":{{"k":"{value}"}}}}"#
                        );
                        cluster.put(json).unwrap();
                    }
                    runtime.sleep(Duration::from_millis(runtime.random() % 20)).await;
                }
            });
            let report = world.backup().await;
            assert!(report.is_complete(), "seed {seed} round {round}: {report:?}");
            changes.await.unwrap();
        }
        world.store.set_rates(FaultRates::default());
        world.until("all to be idle", async || watching.is_idle()).await;
        world.pass(130).await;
        world.until("all to be idle", async || watching.is_idle()).await;
        assert!(watching.stop().await.flushed);
        world.assert_same_as_cluster().await;
        for (name, revisions) in world.histories(&config_maps()).await {
            for pair in revisions.windows(2) {
                let same = pair[0].state == pair[1].state && pair[0].digest == pair[1].digest;
                assert!(!same, "seed {seed}: {name} has one state twice: {pair:#?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_position_passes_what_a_list_shows_once_more_before_it_is_durable() {
    let mut world = World::new(25).await;
    world.options = world.options.clone().compare_interval(Duration::from_mins(10));
    world.put("other", "1");
    let watching = world.watch().await;
    world.until("the list", async || watching.kind().committed == 1).await;
    let lists = watching.kind().lists;

    // One commit hangs, the next gathers the object's first state, and its second one waits for that.
    world.store.set_down(true);
    for (name, value) in [("other", "2"), ("a", "1"), ("a", "2")] {
        world.put(name, value);
        world.pass(1).await;
    }
    world.until("everything to be listed anew", async || watching.kind().lists > lists).await;
    assert_eq!(watching.kind().queue_objects, 2, "both are seen again");

    let mut commits = 0;
    world.store.set_script(move |op| {
        commits += u32::from(op.verb == Verb::Put && op.key.contains("/log/"));
        (commits == 2).then_some(Fault::DieAfter)
    });
    world.store.set_down(false);
    world.store.died().await;
    watching.kill().await;
    world.revive(25);
    assert_eq!(world.records().await, 3, "the second state of one of two is not durable");

    let watching = world.watch().await;
    world.pass(30).await;
    assert!(watching.is_idle() && watching.kind().lists == 0, "it resumed");
    watching.stop().await;
    world.assert_same_as_cluster().await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_shown_also_while_packs_are_sent_and_the_index_is_read() {
    let world = World::new(26).await;
    let mut rng = StdRng::seed_from_u64(26);
    for n in 0..120 {
        let noise: String =
            (0..150_000).map(|_| char::from(rng.random_range(b'0'..b'z'))).filter(|c| *c != '\\').collect();
        world.put(&format!("c{n:03}"), &noise);
    }
    let shown = |watching: &Watching| {
        let snapshot = watching.stats.snapshot();
        snapshot.engine.error.or_else(|| snapshot.kinds.values().find_map(|kind| kind.error.clone()))
    };

    // The bucket dies with the first pack.
    world
        .store
        .set_script(|op| (op.verb == Verb::Put && op.key.starts_with("clusters/")).then_some(Fault::Unavailable));
    let watching = world.watch().await;
    world.pass(120).await;
    assert!(
        shown(&watching).is_some_and(|e| e.message.contains("packs/") && e.message.ends_with("injected")),
        "{:?}",
        shown(&watching)
    );
    world.store.set_script(|_| None);
    world.until("the list", async || watching.kind().committed == 120).await;
    assert_eq!(shown(&watching), None);
    watching.stop().await;

    // An index that must be read from files, by workers.
    let uid = world.cluster.list().cluster_uid().await.unwrap();
    let options = WriterOptions::new(uid, "test").index_capacity(1);
    let writer = world.repository().await.unwrap().writer("prod", options).await.unwrap();
    let engine = Engine::new(Arc::new(world.cluster.watch()), writer, world.options.clone());
    let (stats, cancel) = (engine.stats(), CancellationToken::new());
    world.store.set_down(true);
    let done = tokio::spawn(engine.run(cancel.clone()));
    let watching = Watching { stats, cancel, done };
    world.put("c050", "new");
    world.pass(120).await;
    let error = watching.kind().error;
    assert!(
        error.as_ref().is_some_and(|e| e.message.contains("index/") && e.message.ends_with("injected")),
        "{error:?}"
    );
    world.store.set_down(false);
    world.until("the change", async || watching.kind().committed == 1).await;
    assert_eq!(shown(&watching), None);
    watching.stop().await;
    world.assert_same_as_cluster().await;
}
