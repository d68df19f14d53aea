//! Connections that die, with and without a word.

use std::time::Duration;

use bastion_core::source::Source;
use bastion_k8s::{ConnectOptions, WatchSource};

use crate::{
    cluster::{Cluster, config_maps, next, short, until},
    line::behind,
};

fn impatient() -> ConnectOptions {
    ConnectOptions::default().request_timeout(Duration::from_secs(2)).watch_idle_timeout(Duration::from_secs(3))
}

#[tokio::test]
async fn a_half_open_watch_is_noticed_and_nothing_is_missed() {
    let cluster = Cluster::new("halfopen").await;
    let (line, client) = behind(&cluster, impatient()).await;
    let source = WatchSource::new(client, cluster.selection()).unwrap();
    let mut stream = source.observe(&config_maps(), None);
    assert_eq!(until(&mut stream, "complete").await, ["begin", "complete"]);
    cluster.config_map("before", "", "1").await;
    assert_eq!(short(&next(&mut stream).await), "object before");

    line.forget();
    cluster.config_map("lost", "", "1").await;
    let waiting = tokio::time::timeout(Duration::from_secs(1), next(&mut stream)).await;
    assert!(waiting.is_err(), "the event went into the void");
    line.remember();
    // No list, no error: the watch is opened anew where it was.
    assert_eq!(short(&next(&mut stream).await), "object lost");
}

#[tokio::test]
async fn a_watch_that_is_cut_comes_back_where_it_was() {
    let cluster = Cluster::new("cut").await;
    let (line, client) = behind(&cluster, impatient()).await;
    let source = WatchSource::new(client, cluster.selection()).unwrap();
    let mut stream = source.observe(&config_maps(), None);
    assert_eq!(until(&mut stream, "complete").await, ["begin", "complete"]);
    for round in 0..5 {
        let before = line.connections();
        line.cut();
        let name = format!("c{round}");
        cluster.config_map(&name, "", "1").await;
        loop {
            // A watch that lived only for a moment may report that it was cut.
            let seen = short(&next(&mut stream).await);
            if seen == format!("object {name}") {
                break;
            }
            assert!(seen.starts_with("unavailable: "), "{seen}");
        }
        assert!(line.connections() > before);
    }
}
