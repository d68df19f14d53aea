//! Every metric moves, and tells what a person must know.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bastion_tests::{
    Context as _, Resource, Result,
    expect::Expected,
    s3_proxy::{Action, Moment},
    say,
};
use futures::{StreamExt as _, stream};
use rustix::process::Signal;
use serde_json::json;

use super::{Controller, Deployed, Numbers, WIDGET};
use crate::stage::{annotated, widget_path};

const OTHER: &str = "ConfigMap";
const CEILING: f64 = 4.0;
const OBJECTS: usize = 600;

/// Narrow bounds, so that a flood is one on any machine.
const ENV: [(&str, &str); 4] = [
    ("BASTION_ENGINE_WORKERS_FLOOR", "1"),
    ("BASTION_ENGINE_WORKERS_CEILING", "4"),
    ("BASTION_ENGINE_BATCH_BYTES", "65536"),
    ("BASTION_ENGINE_QUEUE_BYTES", "65536"),
];

/// Waits until a number of the widgets has grown.
async fn grows(controller: &mut Controller, name: &str, before: &Numbers) -> Result<Numbers> {
    controller
        .until(&format!("{name} to grow"), async |c| {
            let now = c.metrics()?;
            Ok((now.of(name, WIDGET) > before.of(name, WIDGET)).then_some(now))
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_moves() -> Result<()> {
    let deployed = Deployed::new("metrics").await?;
    let stage = &deployed.stage;
    super::apply(stage, super::WIDGETS_MAY_BE_READ).await?;
    for namespace in ["one", "two"] {
        let path = format!("/api/v1/namespaces/{namespace}");
        stage.api.merge(&path, &annotated(Some("true"))).await.context("annotation")?;
    }
    let mut expected = stage.widgets("w", OBJECTS).await?;
    let mut controller = deployed.start("pod", &ENV)?;
    controller.ready("leading").await?;
    stage.saved(&mut controller.process, &expected).await?;

    // A first backup: everything was seen, hashed, found changed, committed.
    let (first, objects) = (controller.metrics()?, f64::from(u32::try_from(OBJECTS).unwrap()));
    for name in ["events_total", "hashed_total", "changed_total", "committed_total", "commit_latency_seconds_count"] {
        assert!(first.of(name, WIDGET) >= objects, "{name}: {}", first.of(name, WIDGET));
    }
    assert!(first.of("committed_bytes_total", WIDGET) > 100.0 * objects, "{first:?}");
    assert!(first.of("lists_total", WIDGET) >= 1.0);
    for name in [
        "leader",
        "commits_total",
        "stored_bytes_total",
        "segment",
        "incarnation",
        "skipped_kinds",
        "commit_seconds_count",
    ] {
        assert!(first.all(name) >= 1.0, "{name}: {}", first.all(name));
    }
    assert!(first.all("last_commit_timestamp_seconds") > 1.7e9);
    assert!((first.all("log_truncated"), first.all("commit_failing")) == (0.0, 0.0));

    // A heartbeat in the status: an event, looked at, unchanged; nothing is committed for it.
    stage.beat("w", 1, 1).await?;
    let after = grows(&mut controller, "unchanged_total", &first).await?;
    for name in ["events_total", "hashed_total"] {
        assert!(after.of(name, WIDGET) > first.of(name, WIDGET), "{name}");
    }
    for name in ["changed_total", "committed_total", "committed_bytes_total"] {
        assert!(after.of(name, WIDGET) == first.of(name, WIDGET), "{name}");
    }

    // Deleted, and released.
    let before = controller.metrics()?;
    expected.extend(stage.delete("w", 2).await?);
    stage.api.merge(&widget_path("w", 3), &annotated(Some("false"))).await.context("release")?;
    expected.retain(|id, _| id.3 != "w-0003");
    grows(&mut controller, "deleted_total", &before).await?;
    grows(&mut controller, "released_total", &before).await?;

    expected.extend(flood(&deployed, &mut controller).await?);
    expected.extend(refused(&deployed, &mut controller).await?);
    expected.retain(|id, _| !["w-0002", "w-0003"].contains(&id.3.as_str()));
    stage.saved(&mut controller.process, &expected).await?;
    controller.process.signal(Signal::TERM)?;
    assert_eq!(controller.process.wait(Duration::from_secs(30)).await?.code(), Some(0));
    stage.sound().await
}

/// What a sampler saw at most.
#[derive(Debug, Default)]
struct Peaks {
    of_widgets: Vec<(&'static str, f64)>,
    workers_of_others: f64,
    in_flight: f64,
    states: Vec<(&'static str, f64)>,
}

impl Peaks {
    fn note(&mut self, now: &Numbers) {
        for (name, peak) in &mut self.of_widgets {
            *peak = peak.max(now.of(name, WIDGET));
        }
        for (state, peak) in &mut self.states {
            let key = format!("bastion_objects_in{{kind=\"{WIDGET}\",state=\"{state}\"}}");
            *peak = peak.max(now.0.get(&key).copied().unwrap_or_default());
        }
        self.workers_of_others = self.workers_of_others.max(now.of("workers", OTHER));
        self.in_flight = self.in_flight.max(now.all("in_flight_bytes"));
    }
}

/// Waits until nothing waits and the workers are down to the floor.
async fn calm(controller: &mut Controller) -> Result<Numbers> {
    let idle = ["queue_objects", "queue_bytes", "oldest_unsaved_seconds"];
    controller
        .until("the floor", async |c| {
            let now = c.metrics()?;
            Ok((now.of("workers", WIDGET) == 1.0 && idle.iter().all(|name| now.of(name, WIDGET) == 0.0)).then_some(now))
        })
        .await
}

/// All widgets change again and again while the storage is slow.
async fn flood(deployed: &Deployed, controller: &mut Controller) -> Result<Expected> {
    const WATCHED: [&str; 5] = ["workers", "queue_objects", "queue_bytes", "oldest_unsaved_seconds", "coalesced_total"];
    const STATES: [&str; 3] = ["hashed", "changed", "backup"];
    let stage = &deployed.stage;
    let before = calm(controller).await?;
    stage.proxy.hook(|moment, e| match moment {
        Moment::BeforeRequest if e.method == "PUT" => Action::Delay(Duration::from_millis(700)),
        _ => Action::Pass,
    });
    let peaks = Mutex::new(Peaks {
        of_widgets: WATCHED.map(|name| (name, 0.0)).to_vec(),
        states: STATES.map(|name| (name, 0.0)).to_vec(),
        ..Peaks::default()
    });
    let over = AtomicBool::new(false);
    let sample = async {
        while !over.load(Ordering::SeqCst) {
            let now = controller.metrics()?;
            peaks.lock().unwrap().note(&now);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok::<_, bastion_tests::Error>(())
    };
    let change = async {
        let mut last = Expected::new();
        for round in 0..3 {
            let changes = stream::iter((0..OBJECTS).filter(|n| ![2, 3].contains(n)));
            let changes = changes.map(|n| async move { stage.change("w", n, &format!("flood {round}")).await });
            for change in changes.buffer_unordered(16).collect::<Vec<_>>().await {
                last.extend(change?);
            }
        }
        over.store(true, Ordering::SeqCst);
        Ok::<_, bastion_tests::Error>(last)
    };
    let (sampled, changed) = tokio::join!(sample, change);
    over.store(true, Ordering::SeqCst);
    sampled?;
    let peaks = peaks.into_inner().unwrap();
    say(&format!("flood: {peaks:?}"));
    for (name, peak) in &peaks.of_widgets {
        assert!(*peak > before.of(name, WIDGET), "{name} did not move: {peaks:?}");
    }
    assert!(peaks.of_widgets[0].1 == CEILING, "the ceiling: {peaks:?}");
    assert!(peaks.states.iter().all(|(_, peak)| *peak > 0.0) && peaks.in_flight > 0.0, "{peaks:?}");
    assert!(peaks.workers_of_others == 1.0, "a flood of one kind hired workers of another: {peaks:?}");
    stage.proxy.pass();

    let after = calm(controller).await?;
    // Bodies that had no room were let go, and read again.
    assert!(after.of("reread_total", WIDGET) > 0.0, "{after:?}");
    assert!(after.all("in_flight_bytes") == 0.0);
    changed
}

/// The storage refuses the credentials: named, the age of what is not saved grows, and all catches up.
async fn refused(deployed: &Deployed, controller: &mut Controller) -> Result<Expected> {
    let stage = &deployed.stage;
    stage.minio.kill();
    let map = json!({"apiVersion": "v1", "kind": OTHER, "metadata": {"name": "late"}, "data": {"word": "late"}});
    let map = stage.api.create("/api/v1/namespaces/one/configmaps", &map).await.context("late")?;
    let age = |numbers: &Numbers| numbers.of("oldest_unsaved_seconds", OTHER);
    // First nobody answers at all …
    controller
        .until("the outage in the metrics", async |c| Ok((c.metrics()?.all("commit_failing") == 1.0).then_some(())))
        .await?;
    stage.minio.change_secret("another-secret-for-a-while").await?;
    // … then the key is another one.
    let failing = controller
        .until("the refusal in the metrics", async |c| {
            let now = c.metrics()?;
            Ok((now.all("commit_failing") == 1.0 && now.all("commit_failures_total") > 0.0 && age(&now) > 1.0)
                .then_some(now))
        })
        .await?;
    controller.until("the age to grow", async |c| Ok((age(&c.metrics()?) > age(&failing) + 3.0).then_some(()))).await?;
    let named = |l: &str| l.contains("a commit failed") && l.contains("denied");
    controller.until("the refusal in the log", async |c| Ok(c.process.log().lines().any(named).then_some(()))).await?;
    assert_eq!(controller.get("/healthz")?.0, 200, "a restart would not help");
    stage.minio.change_secret(bastion_tests::minio::SECRET_KEY).await?;
    let config = Resource::new("", "v1", OTHER, "configmaps", true);
    let expected = [bastion_tests::expect::note(&config, &map)].into();
    stage.saved(&mut controller.process, &expected).await?;
    controller.until("no refusal", async |c| Ok((c.metrics()?.all("commit_failing") == 0.0).then_some(()))).await?;
    Ok(expected)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_bucket_or_key_ends_the_start_with_a_clear_word() -> Result<()> {
    let deployed = Arc::new(Deployed::new("wrong").await?);
    let port = deployed.stage.minio.port();
    for (variable, value, wanted) in [
        ("BASTION_REPO", bastion_tests::minio::repo_url("nowhere", "repo", port), "nowhere"),
        ("AWS_SECRET_ACCESS_KEY", "wrong-key".to_owned(), "denied"),
    ] {
        let mut controller = deployed.start("pod", &[(variable, &value)])?;
        let status = controller.process.wait(crate::stage::SOON).await?;
        let log = controller.process.log();
        assert_eq!(status.code(), Some(1), "{log}");
        let last = log.lines().rfind(|l| l.contains("\"ERROR\"")).expect("an error");
        assert!(last.contains(wanted), "{last}");
        assert!(!log.contains("wrong-key"), "{log}");
    }
    Ok(())
}
