//! Leader election.

use std::time::Duration;

use bastion_k8s::{ConnectOptions, Lease, LeaseOptions, LogEnd, lease::Leadership};
use tokio_util::sync::CancellationToken;

use crate::{
    cluster::{Cluster, PATIENCE},
    line::behind,
};

fn options(cluster: &Cluster, identity: &str) -> LeaseOptions {
    LeaseOptions::new(cluster.namespace.as_str(), "bastion", identity)
}

fn candidate(cluster: &Cluster, identity: &str) -> Lease {
    let mut options = options(cluster, identity);
    options.duration = Duration::from_secs(3);
    options.renew_deadline = Duration::from_secs(2);
    options.retry = Duration::from_millis(300);
    Lease::new(cluster.client.clone(), options).unwrap()
}

async fn win(lease: &Lease) -> Leadership {
    let won = tokio::time::timeout(PATIENCE, lease.acquire(&CancellationToken::new())).await;
    won.expect("in time").unwrap().expect("not cancelled")
}

#[tokio::test]
async fn of_two_candidates_one_leads_and_hands_over() {
    let cluster = Cluster::new("leader").await;
    let (a, b) = (candidate(&cluster, "a"), candidate(&cluster, "b"));
    let first = win(&a).await;
    assert_eq!(first.previous_log_end(), None);
    let end = LogEnd { number: 42, digest: "c0ffee".into() };
    first.set_log_end(end.clone());

    let patience = Duration::from_secs(5);
    let waiting = tokio::time::timeout(patience, b.acquire(&CancellationToken::new())).await;
    assert!(waiting.is_err(), "the first one renews, so the second one waits");
    assert!(!first.lost().is_cancelled());

    let lost = first.lost();
    first.release().await;
    assert!(lost.is_cancelled());
    let began = std::time::Instant::now();
    let second = win(&b).await;
    assert!(began.elapsed() < Duration::from_secs(2), "given back, so there was nothing to wait for");
    assert_eq!(second.previous_log_end(), Some(&end));

    // One that dies gives nothing back: the other waits until it ran out.
    drop(second);
    let began = std::time::Instant::now();
    let third = win(&a).await;
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    third.release().await;
}

#[tokio::test]
async fn a_connection_that_dies_without_a_word_costs_nobody_the_lead() {
    let cluster = Cluster::new("hung").await;
    let (line, client) = behind(&cluster, ConnectOptions::default()).await;
    let mut options = options(&cluster, "a");
    options.duration = Duration::from_secs(12);
    options.renew_deadline = Duration::from_secs(10);
    options.retry = Duration::from_millis(300);
    let leader = win(&Lease::new(client, options.clone()).unwrap()).await;

    line.forget();
    let swallowed = async {
        while line.swallowed() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, swallowed).await.expect("a renewal goes into the void");
    line.remember();
    let lost = leader.lost();
    let lost = tokio::time::timeout(options.duration, lost.cancelled()).await;
    assert!(lost.is_err(), "it was given up soon enough for another try on a new connection");
    leader.release().await;
}

#[tokio::test]
async fn a_leader_whose_lease_is_taken_away_hears_of_it() {
    let cluster = Cluster::new("deposed").await;
    let leader = win(&candidate(&cluster, "a")).await;
    let leases =
        crate::cluster::kind("coordination.k8s.io", "v1", "Lease", "leases", bastion_core::object::Scope::Namespaced);
    let taken = format!(
        r#"{{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{{"name":"bastion","namespace":"{}"}},"spec":{{"holderIdentity":"b","leaseDurationSeconds":3}}}}"#,
        cluster.namespace
    );
    cluster.put(&leases, &cluster.namespace, "bastion", &taken).await;
    tokio::time::timeout(PATIENCE, leader.lost().cancelled()).await.expect("it hears of it");
}

#[tokio::test]
async fn who_may_not_have_leases_is_told() {
    let cluster = Cluster::new("nolease").await;
    let client = cluster.as_user("jane").await;
    let lease = Lease::new(client, LeaseOptions::new(cluster.namespace.as_str(), "bastion", "jane")).unwrap();
    let error = lease.acquire(&CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains("grant the verb get on leases.coordination.k8s.io"), "{error}");
}
