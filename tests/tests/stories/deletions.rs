//! Deletions need proof: what was deleted gets its tombstone, what merely is not selected any more does not.

use bastion_core::record::RevisionState;
use bastion_tests::{Result, crds, expect::Expected, wait};
use serde_json::json;

use crate::stage::{SOON, Stage, WIDGETS, annotated, widget_path};

/// The newest state of a widget in the repository.
async fn state(stage: &Stage, name: &str) -> Result<Option<RevisionState>> {
    let revisions = stage.revisions().await?;
    Ok(revisions.iter().find(|(id, _)| &*id.name == name).and_then(|(_, history)| {
        history.iter().max_by(|a, b| a.order.compare(&b.order).then(a.number.cmp(&b.number))).map(|v| v.state)
    }))
}

/// Waits until the newest state of a widget says that it is merely not selected any more.
async fn released(stage: &Stage, name: &str) -> Result<()> {
    wait::until(&format!("{name} to be released"), SOON, async || {
        Ok((state(stage, name).await? == Some(RevisionState::Released)).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_are_found_also_those_made_while_down() -> Result<()> {
    let stage = Stage::new("deletions").await?;
    let expected = stage.widgets("w", 40).await?;
    let mut watcher = stage.watch_widgets()?;
    stage.saved(&mut watcher, &expected).await?;

    // While it watches.
    let seen = stage.delete("w", 1).await?;
    stage.saved(&mut watcher, &seen).await?;

    // While it is down, and while it is down and the events are gone from etcd.
    watcher.kill9();
    let missed = stage.delete("w", 2).await?;
    let mut watcher = stage.watch_widgets()?;
    stage.saved(&mut watcher, &missed).await?;
    watcher.kill9();
    let mut forgotten = stage.delete("w", 3).await?;
    stage.cluster.compact_and_restart().await?;
    forgotten.extend(stage.change("w", 4, "behind").await?);
    let mut watcher = stage.watch_widgets()?;
    stage.saved(&mut watcher, &forgotten).await?;

    // Made again under its name: one history, two uids.
    let again = stage.create(&crds::widget(), vec![crds::widget().head(Some("two"), "w-0001")]).await?;
    stage.saved(&mut watcher, &again).await?;
    let revisions = stage.revisions().await?;
    let (_, history) = revisions.iter().find(|(id, _)| &*id.name == "w-0001").unwrap();
    let uids: std::collections::BTreeSet<_> =
        history.iter().map(|v| v.uid.clone()).filter(|uid| !uid.is_empty()).collect();
    assert_eq!((history.len(), uids.len()), (3, 2), "{history:?}");
    stage.sound().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_namespace_takes_its_objects_with_it() -> Result<()> {
    let stage = Stage::new("namespace").await?;
    let expected = stage.widgets("w", 10).await?;
    let mut watcher = stage.bastion.start(&["watch", "--all"])?;
    stage.saved(&mut watcher, &expected).await?;
    let gone: Expected = expected.keys().filter(|id| id.2 == "two").map(|id| (id.clone(), None)).collect();
    assert_eq!(gone.len(), 5);
    stage.api.delete("/api/v1/namespaces/two").await.unwrap();
    stage.saved(&mut watcher, &gone).await?;
    let namespace = (String::new(), "Namespace".to_owned(), String::new(), "two".to_owned());
    stage.saved(&mut watcher, &Expected::from([(namespace, None)])).await?;
    let kept: Expected = expected.into_iter().filter(|(id, _)| id.2 == "one").collect();
    assert_eq!(stage.missing(&kept).await?, [""; 0]);
    stage.sound().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_loses_its_annotation_is_released_and_backup_all_beside_it_deletes_nothing() -> Result<()> {
    let stage = Stage::new("released").await?;
    stage.widgets("w", 6).await?;
    let mut wanted = Expected::new();
    for number in 0..4 {
        let answer = stage.api.merge(&widget_path("w", number), &annotated(Some("true"))).await.unwrap();
        wanted.extend([bastion_tests::expect::note(&crds::widget(), &answer)]);
    }
    let mut watcher = stage.bastion.start(&["watch"])?;
    stage.saved(&mut watcher, &wanted).await?;
    assert_eq!(state(&stage, "w-0005").await?, None, "an object without the annotation was taken");

    // Everything once, beside the watch of the annotated: more is saved, nothing is deleted.
    let all = stage.bastion.ok(&["backup", "--all"]).await?;
    assert_eq!(state(&stage, "w-0005").await?, Some(RevisionState::Put), "{}", all.text());
    stage.api.merge(&widget_path("w", 1), &annotated(None)).await.unwrap();
    let change = stage.change("w", 0, "after the release").await?;
    stage.saved(&mut watcher, &change).await?;
    for (id, history) in stage.revisions().await? {
        assert!(history.iter().all(|v| v.state != RevisionState::Deleted), "{id} was deleted: {history:?}");
    }

    // In a repository that only the annotated go to, the same is a release; the objects live on.
    let mut stage = stage;
    watcher.kill9();
    stage.fresh_repository("annotated").await?;
    let mut watcher = stage.bastion.start(&["watch"])?;
    wanted.extend(change);
    wanted.retain(|id, _| id.3 != "w-0001");
    stage.saved(&mut watcher, &wanted).await?;
    stage.api.merge(&widget_path("w", 2), &annotated(Some("false"))).await.unwrap();
    let behind = stage.change("w", 0, "behind the release").await?;
    stage.saved(&mut watcher, &behind).await?;
    assert_eq!(state(&stage, "w-0002").await?, Some(RevisionState::Released));

    // The same while it is down, found by the list.
    watcher.kill9();
    stage.api.merge(&widget_path("w", 3), &annotated(None)).await.unwrap();
    stage.cluster.compact_and_restart().await?;
    let behind = stage.change("w", 0, "behind the second release").await?;
    let mut watcher = stage.bastion.start(&["watch"])?;
    stage.saved(&mut watcher, &behind).await?;
    released(&stage, "w-0003").await?;

    // Selected again, and by its namespace this time.
    let path = "/api/v1/namespaces/two";
    stage.api.merge(path, &annotated(Some("true"))).await.unwrap();
    wait::until("the namespace's objects", SOON, async || {
        let (three, five) = (state(&stage, "w-0003").await?, state(&stage, "w-0005").await?);
        Ok((three == Some(RevisionState::Put) && five == Some(RevisionState::Put)).then_some(()))
    })
    .await?;
    stage.sound().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_loses_its_label_is_released_and_what_is_deleted_with_it_is_deleted() -> Result<()> {
    let stage = Stage::new("label").await?;
    stage.widgets("w", 6).await?;
    let tier = |value: Option<&str>| json!({"metadata": {"labels": {"tier": value}}});
    let label = async |number: usize, value: Option<&str>| {
        let answer = stage.api.merge(&widget_path("w", number), &tier(value)).await.unwrap();
        Expected::from([bastion_tests::expect::note(&crds::widget(), &answer)])
    };
    let mut wanted = Expected::new();
    for number in 0..5 {
        wanted.extend(label(number, Some("gold")).await);
    }
    let watch = [&["watch", "-l", "tier=gold"], WIDGETS.as_slice()].concat();
    let mut watcher = stage.bastion.start(&watch)?;
    stage.saved(&mut watcher, &wanted).await?;
    assert_eq!(state(&stage, "w-0005").await?, None, "an object without the label was taken");

    // To a watch with a selector both look like a deletion.
    label(0, Some("silver")).await;
    let gone = stage.delete("w", 1).await?;
    stage.saved(&mut watcher, &gone).await?;
    released(&stage, "w-0000").await?;

    // The same while it is down and the events are forgotten.
    watcher.kill9();
    label(2, None).await;
    let mut behind = stage.delete("w", 3).await?;
    stage.cluster.compact_and_restart().await?;
    behind.extend(stage.change("w", 4, "behind").await?);
    let mut watcher = stage.bastion.start(&watch)?;
    stage.saved(&mut watcher, &behind).await?;
    released(&stage, "w-0002").await?;

    for (id, history) in stage.revisions().await? {
        let deleted = history.iter().any(|v| v.state == RevisionState::Deleted);
        assert_eq!(deleted, ["w-0001", "w-0003"].contains(&&*id.name), "{id}: {history:?}");
    }

    // What is labelled again is taken again.
    let again = label(0, Some("gold")).await;
    stage.saved(&mut watcher, &again).await?;
    stage.sound().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_brake_holds_back_when_almost_everything_vanishes() -> Result<()> {
    let stage = Stage::new("brake").await?;
    let expected = stage.widgets("w", 300).await?;
    let mut watcher = stage.watch_widgets()?;
    stage.saved(&mut watcher, &expected).await?;
    watcher.kill9();
    // Nearly all vanish while nobody looks, and the events with them.
    for namespace in ["one", "two"] {
        stage.api.delete(&crds::widget().path(Some(namespace))).await.unwrap();
    }
    stage.cluster.compact_and_restart().await?;
    let new = stage.widgets("n", 1).await?;
    let mut watcher = stage.watch_widgets()?;
    // Changes go on …
    stage.saved(&mut watcher, &new).await?;
    // … the deletions wait for a person, who sees them.
    wait::until("the brake", SOON, async || {
        let status = stage.bastion.ok(&["status"]).await?.text();
        Ok(status.contains("HELD BACK").then_some(()))
    })
    .await?;
    for (id, history) in stage.revisions().await? {
        assert!(history.iter().all(|v| v.state == RevisionState::Put), "{id} was deleted in spite of the brake");
    }
    // The person says that it was meant.
    stage.bastion.ok(&["deletions", "accept", "widgets.tests.bastion.dev"]).await?;
    let gone: Expected = expected.into_keys().map(|id| (id, None)).collect();
    stage.saved(&mut watcher, &gone).await?;
    stage.sound().await
}
