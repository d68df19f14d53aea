//! What is written: what changed, and nothing else.

use std::time::{Duration, Instant};

use bastion_tests::{Result, expect::Expected};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::stage::{Stage, WIDGETS, count};

#[tokio::test(flavor = "multi_thread")]
async fn exactly_the_changed_objects_are_written() -> Result<()> {
    let stage = Stage::new("writes").await?;
    let expected = stage.widgets("w", 1000).await?;
    let mut watcher = stage.watch_widgets()?;
    stage.saved(&mut watcher, &expected).await?;
    assert_eq!(count(&stage.revisions().await?), 1000);

    // 10 of 1,000 change: 10 revisions, in at most 10 commits.
    stage.proxy.forget();
    let mut changed = Expected::new();
    for number in (0..1000).step_by(100) {
        changed.extend(stage.change("w", number, "first").await?);
    }
    stage.saved(&mut watcher, &changed).await?;
    assert_eq!(count(&stage.revisions().await?), 1010);
    let commits = stage.proxy.acknowledged_puts().iter().filter(|path| path.contains("/log/")).count();
    assert!((1..=10).contains(&commits), "{commits} commits for 10 changes");

    // 1,000 status updates: no record, and at most one commit of positions a minute.
    let started = Instant::now();
    stage.proxy.forget();
    let beats = stream::iter(0..1000).map(|number| stage.beat("w", number, 1));
    beats.buffer_unordered(16).try_collect::<()>().await?;
    // One change behind them: when it is saved, they have been seen.
    let last = stage.change("w", 1, "behind the heartbeats").await?;
    stage.saved(&mut watcher, &last).await?;
    assert_eq!(count(&stage.revisions().await?), 1011);
    let commits = stage.proxy.count("PUT", "/log/");
    let minutes = usize::try_from(started.elapsed().as_secs() / 60).unwrap();
    assert!(commits <= 2 + minutes, "{commits} commits for 1 change within {:?}", started.elapsed());

    // A one-shot backup finds nothing that the watch has not written.
    let again = stage.bastion.ok(&[&["backup"], WIDGETS.as_slice()].concat()).await?;
    assert_eq!(count(&stage.revisions().await?), 1011, "{}", again.text());
    stage.sound().await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_minutes_of_heartbeats_a_killed_watcher_resumes_without_a_list() -> Result<()> {
    let stage = Stage::new("resume").await?;
    let mut expected = stage.widgets("w", 50).await?;
    let mut watcher = stage.watch_widgets()?;
    stage.saved(&mut watcher, &expected).await?;

    // Nothing but heartbeats, until a commit of positions has landed behind a good part of them.
    stage.proxy.forget();
    let started = Instant::now();
    let mut beat = 0;
    while stage.proxy.count("PUT", "/log/") == 0 {
        assert!(started.elapsed() < Duration::from_mins(3), "no commit of positions within three minutes");
        beat += 1;
        stream::iter(0..50).map(|n| stage.beat("w", n, beat)).buffer_unordered(8).try_collect::<()>().await?;
    }
    assert!(beat > 10, "only {beat} rounds of heartbeats");
    watcher.kill9();
    for number in 0..5 {
        expected.extend(stage.change("w", number, "while down").await?);
    }
    expected.extend(stage.delete("w", 7).await?);

    let lists = || -> Result<usize> { Ok(stage.cluster.audit()?.iter().filter(|r| r.is_full_list("widgets")).count()) };
    let before = lists()?;
    let mut watcher = stage.watch_widgets()?;
    let changed: Expected = expected
        .iter()
        .filter(|(id, _)| id.3.as_str() <= "w-0004" || id.3 == "w-0007")
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    assert_eq!(changed.len(), 6);
    stage.saved(&mut watcher, &changed).await?;
    assert_eq!(lists()?, before, "the restarted watcher listed the widgets anew");
    assert_eq!(count(&stage.revisions().await?), 56);
    stage.sound().await
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_and_watch_only_read() -> Result<()> {
    let stage = Stage::new("readonly").await?;
    stage.widgets("w", 10).await?;
    let reader = stage.cluster.kubeconfig_for("reader", Some("system:masters"))?;
    let reader = reader.display().to_string();
    stage.bastion.ok(&["backup", "--all", "--kubeconfig", &reader]).await?;
    let mut watcher = stage.bastion.start(&["watch", "--all", "--kubeconfig", &reader])?;
    let changed = stage.change("w", 3, "seen").await?;
    stage.saved(&mut watcher, &changed).await?;
    watcher.kill9();
    let requests = stage.cluster.audit()?;
    let ours: Vec<_> = requests.iter().filter(|r| r.user == "reader").collect();
    assert!(ours.len() > 20, "only {} requests", ours.len());
    let writes: Vec<_> = ours.iter().filter(|r| !["get", "list", "watch"].contains(&r.verb.as_str())).collect();
    assert!(writes.is_empty(), "{writes:?}");
    Ok(())
}
