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
