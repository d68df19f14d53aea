//! Servers that die, forget, or do not answer: everything catches up, and memory stays bounded.

use std::{fs, time::Duration};

use bastion_tests::{
    Process, Proxy, Result, crds,
    expect::Expected,
    proxy::Mode,
    s3_proxy::{Action, Moment},
    say, wait,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use rustix::process::Signal;
use serde_json::json;

use crate::stage::{SOON, Stage, WIDGETS, widget_path};

#[tokio::test(flavor = "multi_thread")]
async fn the_watch_goes_on_when_servers_die_and_come_back() -> Result<()> {
    let stage = Stage::new("outages").await?;
    let expected = stage.widgets("w", 50).await?;
    let mut watcher = stage.watch_widgets()?;
    stage.saved(&mut watcher, &expected).await?;

    // The API server is killed.
    stage.cluster.kill_apiserver();
    stage.cluster.restart_apiserver().await?;
    let change = stage.change("w", 1, "after the kill").await?;
    stage.saved(&mut watcher, &change).await?;

    // It forgets everything before now: the watch is answered with 410.
    stage.cluster.kill_apiserver();
    stage.cluster.restart_apiserver().await?;
    let mut change = stage.change("w", 2, "before the compaction").await?;
    change.extend(stage.delete("w", 3).await?);
    stage.cluster.compact_and_restart().await?;
    change.extend(stage.change("w", 4, "after the compaction").await?);
    stage.saved(&mut watcher, &change).await?;

    // The storage is killed in the middle of changes, and comes back.
    let mut change = stage.change("w", 5, "before the storage died").await?;
    stage.minio.kill();
    for number in 6..12 {
        change.extend(stage.change("w", number, "while the storage was dead").await?);
    }
    stage.minio.restart().await?;
    stage.saved(&mut watcher, &change).await?;
    assert_eq!(stage.missing(&change).await?, [""; 0]);
    stage.sound().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_is_too_old_costs_a_list_of_metadata_and_the_differences() -> Result<()> {
    let stage = Stage::new("expired").await?;
    let expected = stage.widgets("w", 60).await?;
    let mut watcher = stage.watch_widgets()?;
    stage.saved(&mut watcher, &expected).await?;
    watcher.signal(Signal::TERM)?;
    watcher.wait(SOON).await?;

    let mut change = stage.change("w", 1, "while nobody looked").await?;
    change.extend(stage.delete("w", 2).await?);
    change.extend(stage.widgets("new", 1).await?);
    stage.cluster.compact_and_restart().await?;
    let from = stage.cluster.audit_end()?;
    let mut watcher = stage.watch_widgets()?;
    stage.saved(&mut watcher, &change).await?;

    let (requests, _) = stage.cluster.audit_from(from)?;
    let of_widgets = || requests.iter().filter(|r| r.agent.starts_with("bastion/") && r.resource == "widgets");
    // The audit log does not tell what was asked for, but pages of metadata are larger than those of bodies.
    let lists: Vec<_> = of_widgets().filter(|r| r.is_full_list("widgets")).map(|r| &*r.uri).collect();
    assert!(lists.len() == 1 && lists[0].ends_with("limit=2000"), "{lists:?}");
    let mut read: Vec<_> = of_widgets().filter(|r| r.verb == "get").map(|r| r.uri.rsplit('/').next()).collect();
    read.sort();
    assert_eq!(read, [Some("new-0000"), Some("w-0001")]);
    stage.sound().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_to_the_api_server_may_be_cut_or_slow() -> Result<()> {
    let stage = Stage::new("halfopen").await?;
    let proxy = Proxy::start(stage.cluster.apiserver_port()).await?;
    let kubeconfig = stage.cluster.kubeconfig_through(proxy.port())?.display().to_string();
    let expected = stage.widgets("w", 20).await?;
    let mut watcher = stage.bastion.start(&[&["watch", "--kubeconfig", &kubeconfig], WIDGETS.as_slice()].concat())?;
    stage.saved(&mut watcher, &expected).await?;
    // Cut, then refused for a while: comes back by itself.
    proxy.set(Mode::Refuse);
    proxy.cut();
    let change = stage.change("w", 1, "while cut off").await?;
    proxy.set(Mode::Forward);
    stage.saved(&mut watcher, &change).await?;
    // Slow: everything still arrives.
    proxy.set(Mode::Delay(Duration::from_millis(200)));
    let change = stage.change("w", 2, "slowly").await?;
    stage.saved(&mut watcher, &change).await?;
    stage.sound().await
}

/// Resident memory of a process and its peak, in bytes.
fn memory(process: &Process) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id().unwrap())).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(name)).unwrap();
        line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap() * 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_bounded_while_the_storage_is_down_and_all_catches_up() -> Result<()> {
    const OBJECTS: usize = 3000;
    const SIZE: usize = 40_000;
    let stage = Stage::new("bounded").await?;
    let expected = stage.widgets("w", OBJECTS).await?;
    let mut watcher = stage.watch_widgets()?;
    stage.saved(&mut watcher, &expected).await?;
    let (before, _) = memory(&watcher);

    // The storage answers nothing but 503, and 120 MB of objects change.
    stage.proxy.hook(|moment, _| if moment == Moment::BeforeRequest { Action::Answer(503) } else { Action::Pass });
    let stage = &stage;
    let changes = stream::iter(0..OBJECTS).map(|number| async move {
        let change = json!({"spec": {"padding": format!("{number:08x}").repeat(SIZE / 8)}});
        let answer = stage.api.merge(&widget_path("w", number), &change).await.unwrap();
        bastion_tests::expect::note(&crds::widget(), &answer)
    });
    let expected: Expected = changes.buffer_unordered(16).collect().await;
    watcher.check()?;
    let (after, peak) = memory(&watcher);
    let mib = |bytes: u64| bytes >> 20;
    say(&format!("memory: {} MiB before, {} during, {} at most", mib(before), mib(after), mib(peak)));
    assert!(mib(peak.saturating_sub(before)) < 96, "grew from {} to {} MiB", mib(before), mib(peak));

    stage.proxy.pass();
    stage.saved(&mut watcher, &expected).await?;
    stage.sound().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_etcd_is_noticed_and_tombstones_nothing() -> Result<()> {
    let stage = Stage::new("etcd").await?;
    let old = stage.widgets("old", 20).await?;
    let backup = stage.cluster.backup_etcd().await?;
    let mut watcher = stage.watch_widgets()?;
    stage.saved(&mut watcher, &old).await?;
    let new = stage.widgets("new", 10).await?;
    let mut changed = Expected::new();
    for number in 0..5 {
        changed.extend(stage.change("old", number, "lost by the restore").await?);
    }
    stage.saved(&mut watcher, &new).await?;
    stage.saved(&mut watcher, &changed).await?;
    // The servers' own writes at their start do not make up for so many.
    let beats = stream::iter(0..400).map(|n| stage.beat("old", n % 20, n as u64));
    beats.buffer_unordered(8).try_collect::<()>().await?;

    stage.cluster.restore_etcd(&backup).await?;
    // The state of the restored cluster becomes the newest; what is missing from it is held back.
    let behind = stage.change("old", 9, "in the new life").await?;
    stage.saved(&mut watcher, &behind).await?;
    let restored: Expected =
        old.iter().filter(|(id, _)| !behind.contains_key(*id)).map(|(k, v)| (k.clone(), v.clone())).collect();
    stage.saved(&mut watcher, &restored).await?;
    let revisions = stage.revisions().await?;
    let tombstones =
        revisions.values().flatten().filter(|v| v.state == bastion_core::record::RevisionState::Deleted).count();
    assert_eq!(tombstones, 0, "the restore of etcd was taken for deletions");
    wait::until("a new incarnation", SOON, async || {
        let repository = stage.repository().await?;
        let head = repository.snapshot(stage.cluster.name()).await.unwrap();
        Ok((head.head().incarnation == 2).then_some(()))
    })
    .await?;
    stage.sound().await
}
