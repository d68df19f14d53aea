//! Objects that vanish: deleted, released, or merely not shown.

use futures::{StreamExt, stream::BoxStream};

use super::*;
use crate::{
    error::Category,
    object::{Kind, ResourceVersion},
    record::{
        Acknowledgement, Change,
        RevisionState::{Deleted, Put, Released},
        What,
    },
    repository::CommitNotes,
    select::Selection,
    source::{Current, KindChange, Observation, SourceError},
    store::Fault,
};

const ON: &str = r#"{"backup":"on"}"#;

impl World {
    fn annotate(&self, name: &str, enabled: &str) {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"shop","annotations":{{"backup/enabled":"{enabled}"}}}},"data":{{"k":"1"}}}}"#
        );
        self.cluster.put(json).unwrap();
    }

    async fn history(&self, name: &str) -> Vec<RevisionState> {
        self.states().await.remove(name).unwrap_or_default()
    }

    /// `bastion deletions accept`.
    async fn accept(&self) {
        let mut writer = self.writer("accept").await.unwrap();
        let accepted = writer.withheld().into_iter().map(|w| Acknowledgement {
            kind: w.kind,
            policy: w.policy,
            since: w.since,
            by: "a person".into(),
        });
        let notes = CommitNotes { acknowledgements: accepted.collect(), ..CommitNotes::default() };
        assert!(!notes.acknowledgements.is_empty(), "nothing is withheld");
        let mut batch = writer.batch();
        writer.commit(&mut batch, &notes).await.unwrap();
        writer.close().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn deletions_are_found_while_watching_and_after_having_been_away() {
    let world = World::new(10).await;
    for name in ["a", "b", "c", "d"] {
        world.put(name, "1");
    }
    let watching = world.watch().await;
    world.until("the list", async || watching.kind().committed == 4).await;
    world.cluster.delete(&id("a"));
    world.until("the tombstone", async || watching.kind().committed == 5).await;
    watching.stop().await;

    // The next watch resumes and hears of it.
    world.cluster.delete(&id("b"));
    let watching = world.watch().await;
    world.until("the second tombstone", async || watching.kind().deleted == 1).await;
    assert_eq!(watching.kind().lists, 0);
    watching.stop().await;

    // Here it cannot resume: only the list's complement tells.
    world.cluster.delete(&id("c"));
    world.cluster.compact();
    let watching = world.watch().await;
    world.until("the third tombstone", async || watching.kind().deleted == 1).await;
    assert_eq!(watching.kind().lists, 1);
    watching.stop().await;

    let states = world.states().await;
    for name in ["a", "b", "c"] {
        assert_eq!(states[name], [Put, Deleted], "{name}");
    }
    assert_eq!(states["d"], [Put]);
    world.assert_same_as_cluster().await;
    assert_eq!(world.backup().await.total(|k| k.deleted), 0, "a tombstone is written once");
}

#[tokio::test(start_paused = true)]
async fn an_object_made_again_continues_its_history() {
    let world = World::new(11).await;
    world.put("a", "1");
    let watching = world.watch().await;
    world.until("the list", async || watching.kind().committed == 1).await;
    world.cluster.delete(&id("a"));
    // Made again before anybody looked, it would be an object that did not change.
    world.until("the deletion", async || watching.kind().deleted == 1).await;
    world.put("a", "1");
    world.until("all to be idle", async || watching.kind().events >= 3 && watching.is_idle()).await;
    watching.stop().await;
    world.assert_same_as_cluster().await;
    let history = world.histories(&config_maps()).await.remove("a").unwrap();
    assert_eq!(history.iter().map(|r| r.state).collect::<Vec<_>>(), [Put, Deleted, Put]);
    let uids: Vec<_> = history.iter().map(|r| &r.uid).collect();
    // A tombstone has none: the event that proves a deletion need not show it.
    assert!(!uids[0].is_empty() && uids[1].is_empty() && !uids[2].is_empty(), "{uids:?}");
    assert_ne!(uids[0], uids[2], "another object of the same name");
}

#[tokio::test(start_paused = true)]
async fn an_annotation_that_goes_releases_and_one_that_comes_back_takes_again() {
    let world = World::new(12).await;
    world.annotate("a", "true");
    world.put("never", "1");
    let source = || world.cluster.watch().select(Selection::default());
    let watching = world.watch_of(source()).await;
    world.until("the list", async || watching.kind().committed == 1).await;
    world.annotate("a", "false");
    world.until("the release", async || watching.kind().released == 1).await;
    world.annotate("a", "true");
    world.until("it is back", async || watching.kind().committed == 3).await;
    watching.stop().await;
    assert_eq!(world.history("a").await, [Put, Released, Put]);

    // Released and then deleted while nobody looked.
    world.annotate("a", "false");
    world.cluster.compact();
    let watching = world.watch_of(source()).await;
    world.until("the second release", async || watching.kind().released == 1).await;
    watching.stop().await;
    world.cluster.delete(&id("a"));
    world.cluster.compact();
    let watching = world.watch_of(source()).await;
    world.until("the tombstone", async || watching.kind().deleted == 1).await;
    watching.stop().await;
    assert_eq!(world.history("a").await, [Put, Released, Put, Released, Deleted]);
    assert!(world.history("never").await.is_empty());
}

/// A backup listed an object, the object lost its annotation, a watch saw that and had nothing to release, and
/// only then did the backup commit.
#[tokio::test(start_paused = true)]
async fn what_a_late_backup_records_is_released_if_it_is_no_longer_selected() {
    let world = World::new(33).await;
    world.annotate("a", "true");
    let listed = world.cluster.object(&id("a")).unwrap();
    world.annotate("a", "false");
    let watching = world.watch_of(world.cluster.watch().select(Selection::default())).await;
    world.until("the list", async || watching.kind().unchanged == 1).await;
    let mut backup = world.writer("backup").await.unwrap();
    let mut batch = backup.batch();
    let change = Change {
        id: id("a"),
        version: "v1".into(),
        uid: "".into(),
        resource_version: listed.resource_version,
        policy: "annotated".into(),
        what: What::Put { digest: backup.hasher().digest(&listed.body), body: listed.body, extras: Box::default() },
    };
    batch.push(change).await.unwrap();
    backup.commit(&mut batch, &CommitNotes::default()).await.unwrap();
    world.until("the release", async || watching.kind().released == 1 && watching.is_idle()).await;
    watching.stop().await;
    assert_eq!(world.history("a").await, [Put, Released]);
}

#[tokio::test(start_paused = true)]
async fn a_label_that_goes_releases_and_only_a_404_deletes() {
    let world = World::new(13).await;
    for name in ["stays", "loses", "dies", "loses while away", "dies while away"] {
        world.put_with(&name.replace(' ', "-"), "1", ON);
    }
    world.put("unlabelled", "1");
    let source = || world.cluster.watch().select(Selection::all().labels("backup=on".parse().unwrap()));
    let watching = world.watch_of(source()).await;
    world.until("the list", async || watching.kind().committed == 5).await;
    world.put("loses", "1");
    world.cluster.delete(&id("dies"));
    world.until("both", async || watching.kind().committed == 7).await;
    watching.stop().await;
    world.put("loses-while-away", "1");
    world.cluster.delete(&id("dies-while-away"));
    world.cluster.compact();
    let watching = world.watch_of(source()).await;
    world.until("both", async || watching.kind().committed == 2).await;
    watching.stop().await;
    let states = world.states().await;
    assert_eq!(states["stays"], [Put]);
    assert_eq!(states["loses"], [Put, Released]);
    assert_eq!(states["dies"], [Put, Deleted]);
    assert_eq!(states["loses-while-away"], [Put, Released]);
    assert_eq!(states["dies-while-away"], [Put, Deleted]);
    assert!(!states.contains_key("unlabelled"));
}

#[tokio::test(start_paused = true)]
async fn a_backup_of_everything_beside_narrower_policies_buries_nothing() {
    let world = World::new(14).await;
    world.annotate("annotated", "true");
    world.put_with("labelled", "1", ON);
    world.put("plain", "1");
    let annotated = world.watch_of(world.cluster.watch().select(Selection::default())).await;
    let labelled =
        world.watch_of(world.cluster.watch().select(Selection::all().labels("backup=on".parse().unwrap()))).await;
    world.until("both", async || annotated.kind().committed == 1 && labelled.kind().committed == 1).await;
    assert_eq!(world.backup().await.kinds[&config_maps()].changed, 1, "only the plain one is new");
    world.cluster.compact();
    world.pass(120).await;
    annotated.stop().await;
    labelled.stop().await;
    for source in [
        world.cluster.list().select(Selection::default()),
        world.cluster.list().select(Selection::all().labels("backup=on".parse().unwrap())),
        world.cluster.list(),
    ] {
        let report = world.backup_of(source).await;
        assert_eq!((report.total(|k| k.deleted), report.total(|k| k.released)), (0, 0));
    }
    assert!(world.states().await.values().all(|s| *s == [Put]));
}

/// Cuts every list of config maps after some objects.
#[derive(Debug)]
struct Cut(MemorySource, usize);

#[async_trait::async_trait]
impl Source for Cut {
    async fn cluster_uid(&self) -> Result<String, SourceError> {
        self.0.cluster_uid().await
    }
    fn policy(&self) -> Arc<str> {
        Source::policy(&self.0)
    }
    fn selection_fingerprint(&self) -> String {
        self.0.selection_fingerprint()
    }
    fn kinds(&self) -> BoxStream<'static, KindChange> {
        self.0.kinds()
    }
    fn observe(
        &self,
        kind: &Kind,
        from: Option<ResourceVersion>,
    ) -> BoxStream<'static, Result<Observation, SourceError>> {
        let stream = self.0.observe(kind, from);
        if kind.group_kind() != config_maps() {
            return stream;
        }
        let error = SourceError::new(Category::Unavailable, "list ConfigMap");
        stream.take(self.1 + 1).chain(futures::stream::once(async { Err(error) })).boxed()
    }
    fn compare(&self, kind: &Kind) -> BoxStream<'static, Result<Observation, SourceError>> {
        self.observe(kind, None)
    }
    async fn get(&self, kind: &Kind, id: &ObjectId) -> Result<Option<Current>, SourceError> {
        self.0.get(kind, id).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_was_cut_deletes_nothing_and_saves_no_position() {
    for shown in [0, 1, 5, 9] {
        let world = World::new(15).await;
        for n in 0..10 {
            world.put(&format!("c{n}"), "1");
        }
        world.backup().await;
        let before = world.snapshot().await.positions();
        world.cluster.delete(&id("c9"));
        world.put("c0", "2");
        let engine = world.engine(Cut(world.cluster.list(), shown)).await.unwrap();
        let report = engine.run(CancellationToken::new()).await.unwrap();
        let kind = &report.kinds[&config_maps()];
        assert!(kind.error.is_some());
        assert_eq!(kind.deleted, 0, "after {shown} objects");
        assert_eq!(kind.changed, u64::from(shown > 0), "what was shown is kept");
        let after = world.snapshot().await.positions();
        let of = |all: &[crate::record::Position]| all.iter().find(|p| p.kind == config_maps()).cloned();
        assert_eq!(of(&before), of(&after));
        assert_eq!(world.backup().await.kinds[&config_maps()].deleted, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_brake_withholds_deletions_and_lets_changes_go_on_until_somebody_accepts() {
    let world = World::new(16).await;
    for n in 0..100 {
        world.put(&format!("c{n}"), "1");
    }
    let watching = world.watch().await;
    world.until("the list", async || watching.kind().committed == 100).await;
    watching.stop().await;
    let position = |all: Vec<crate::record::Position>| all.into_iter().find(|p| p.kind == config_maps()).unwrap();
    let before = position(world.snapshot().await.positions());
    for n in 0..80 {
        world.cluster.delete(&id(&format!("c{n}")));
    }
    world.cluster.compact();
    let watching = world.watch().await;
    world.until("the brake", async || watching.kind().withheld == 80).await;
    world.put("c99", "2");
    world.until("a change", async || watching.kind().committed == 1).await;
    world.pass(300).await;
    let withheld = world.snapshot().await.withheld();
    assert_eq!((withheld.len(), withheld[0].count, withheld[0].of), (1, 80, 100));
    assert_eq!(withheld[0].examples[0].as_ref(), "shop/c0");
    assert_eq!(position(world.snapshot().await.positions()), before, "the position is held");
    assert_eq!(watching.kind().deleted, 0);
    watching.kill().await;

    // It stays the same withholding over restarts and one-shot runs.
    let report = world.backup().await;
    assert_eq!(report.kinds[&config_maps()].withheld.as_ref().unwrap().since, withheld[0].since);
    let watching = world.watch().await;
    world.until("the brake again", async || watching.kind().withheld == 80 && watching.kind().lists == 1).await;
    world.accept().await;
    world.until("the tombstones", async || watching.kind().deleted == 80).await;
    world.until("the end of it", async || watching.kind().withheld == 0).await;
    world.pass(120).await;
    watching.stop().await;
    assert!(world.snapshot().await.withheld().is_empty());
    assert!(world.snapshot().await.acknowledgements().is_empty(), "a word is used up");
    assert_ne!(position(world.snapshot().await.positions()), before);
    world.assert_same_as_cluster().await;
}

/// Seen, and then gone from the next list before the first record of it was durable.
#[tokio::test(start_paused = true)]
async fn an_object_that_vanishes_while_it_is_on_its_way_gets_its_tombstone() {
    let world = World::new(31).await;
    world.store.set_script(|op| (op.verb == Verb::Put && op.key.contains("/log/")).then_some(Fault::Unavailable));
    let watching = world.watch().await;
    world.put("c", "1");
    world.until("it is on its way", async || watching.kind().changed == 1).await;
    world.cluster.delete(&id("c"));
    world.cluster.compact();
    world.until("the second list", async || watching.kind().lists == 2).await;
    world.store.set_script(|_| None);
    world.until("the tombstone", async || watching.is_idle()).await;
    watching.stop().await;
    assert_eq!(world.states().await["c"], [Put, Deleted]);
}

#[tokio::test(start_paused = true)]
async fn the_brake_counts_what_is_on_its_way_too() {
    let world = World::new(32).await;
    world.store.set_script(|op| (op.verb == Verb::Put && op.key.contains("/log/")).then_some(Fault::Unavailable));
    for n in 0..100 {
        world.put(&format!("c{n}"), "1");
    }
    let watching = world.watch().await;
    world.until("all are on their way", async || watching.kind().changed == 100).await;
    for n in 0..80 {
        world.cluster.delete(&id(&format!("c{n}")));
    }
    world.cluster.compact();
    world.until("the brake", async || watching.kind().withheld == 80).await;
    world.store.set_script(|_| None);
    world.until("all to be idle", async || watching.kind().committed == 100 && watching.is_idle()).await;
    watching.stop().await;
    assert_eq!(world.snapshot().await.withheld()[0].of, 100);
    assert!(world.states().await.values().all(|states| *states == [Put]), "nothing is deleted unasked");
    world.accept().await;
    world.backup().await;
    world.assert_same_as_cluster().await;
}

#[tokio::test(start_paused = true)]
async fn a_one_shot_backup_acts_upon_what_was_accepted_before_it() {
    let world = World::new(17).await;
    for n in 0..100 {
        world.put(&format!("c{n}"), "1");
    }
    world.backup().await;
    for n in 0..100 {
        world.cluster.delete(&id(&format!("c{n}")));
    }
    let report = world.backup().await;
    assert_eq!(report.kinds[&config_maps()].withheld.as_ref().unwrap().count, 100);
    world.accept().await;
    let report = world.backup().await;
    assert_eq!((report.kinds[&config_maps()].deleted, &report.kinds[&config_maps()].withheld), (100, &None));
    world.assert_same_as_cluster().await;
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_proven_gone_needs_nobody_s_word() {
    let world = World::new(18).await;
    for n in 0..100 {
        world.put(&format!("c{n}"), "1");
    }
    world.backup().await;
    world.cluster.delete(&ObjectId::new(&GroupKind::new("", "Namespace"), "", "shop"));
    let report = world.backup().await;
    assert_eq!((report.kinds[&config_maps()].deleted, &report.kinds[&config_maps()].withheld), (100, &None));
    world.assert_same_as_cluster().await;
}

#[tokio::test(start_paused = true)]
async fn an_etcd_that_was_restored_begins_a_new_incarnation_and_deletes_nothing_by_itself() {
    for one_shot in [false, true] {
        let world = World::new(19).await;
        for n in 0..10 {
            world.put(&format!("c{n}"), "1");
        }
        let etcd = world.cluster.save_etcd();
        world.put("c1", "later");
        world.put("new", "made after the backup of etcd");
        for _ in 0..5 {
            world.put("c2", "a");
            world.put("c2", "b");
        }
        world.backup().await;
        world.cluster.restore_etcd(&etcd);
        world.put("c3", "in the new life");
        if one_shot {
            let report = world.backup().await;
            assert_eq!(report.head.incarnation, 2);
        } else {
            let watching = world.watch().await;
            world.until("the comparison", async || watching.kind().withheld == 1 && watching.is_idle()).await;
            watching.stop().await;
        }
        let snapshot = world.snapshot().await;
        assert_eq!(snapshot.head().incarnation, 2);
        assert_eq!(snapshot.withheld()[0].count, 1, "one object of the former life is not there");
        let states = world.states().await;
        assert_eq!(states["new"], [Put]);
        let histories = world.histories(&config_maps()).await;
        // A one-shot list is seen to be of another life only at its end: c3 was recorded by then, and rightly.
        for (name, incarnation) in [("c0", 1), ("c1", 2), ("c2", 2), ("c3", if one_shot { 1 } else { 2 })] {
            assert_eq!(histories[name].last().unwrap().order.incarnation, incarnation, "{name}");
        }
        world.accept().await;
        world.backup().await;
        assert_eq!(world.states().await["new"], [Put, Deleted]);
        world.assert_same_as_cluster().await;
        assert_eq!(world.snapshot().await.head().incarnation, 2, "it begins once");
    }
}

#[tokio::test(start_paused = true)]
async fn an_etcd_that_was_restored_and_grew_past_the_saved_position_is_found_by_the_daily_compare() {
    let world = World::new(20).await;
    for n in 0..10 {
        world.put(&format!("c{n}"), "1");
    }
    let etcd = world.cluster.save_etcd();
    world.put("c1", "later");
    let watching = world.watch().await;
    world.until("the list", async || watching.kind().committed == 10).await;
    watching.stop().await;
    world.cluster.restore_etcd(&etcd);
    for n in 0..20 {
        world.put("c2", &format!("life two, {n}"));
    }

    let watching = world.watch().await;
    world.until("what came last", async || watching.kind().committed > 0 && watching.is_idle()).await;
    assert_eq!(watching.kind().lists, 0, "nothing looked wrong");
    world.runtime.sleep(Duration::from_hours(31)).await;
    world.until("the comparison", async || watching.is_idle()).await;
    watching.stop().await;
    assert_eq!(world.snapshot().await.head().incarnation, 2);
    assert_eq!(world.states().await["c1"], [Put, Put]);
    world.assert_same_as_cluster().await;
}
