//! The test cluster itself: does it do what the other stories rely on?

use std::time::Duration;

use bastion_tests::{ControlPlane, Result, wait};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn two_clusters_side_by_side_are_two_clusters() -> Result<()> {
    let (one, two) = tokio::join!(ControlPlane::start("one"), ControlPlane::start("two"));
    let (one, two) = (one?, two?);
    one.namespace("only-in-one").await?;
    let (one, two) = (one.api().await?, two.api().await?);
    let path = "/api/v1/namespaces/only-in-one";
    assert!(one.find(path).await.unwrap().is_some());
    assert!(two.find(path).await.unwrap().is_none());
    let uid = async |api: &bastion_tests::Api| {
        api.get("/api/v1/namespaces/kube-system").await.unwrap()["metadata"]["uid"].clone()
    };
    assert_ne!(uid(&one).await, uid(&two).await);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_dies_comes_back_and_forgets_old_versions() -> Result<()> {
    let cluster = ControlPlane::start("faults").await?;
    let api = cluster.api().await?;
    let maps = "/api/v1/namespaces/default/configmaps";
    let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    let old = api.create(maps, &map("first")).await.unwrap()["metadata"]["resourceVersion"].clone();

    cluster.kill_apiserver();
    assert!(api.get(maps).await.is_err());
    cluster.restart_apiserver().await?;
    api.create(maps, &map("second")).await.unwrap();

    // A watch from before the compaction is answered with the one error event, code 410.
    cluster.compact_and_restart().await?;
    let watch = format!("{maps}?watch=true&timeoutSeconds=5&resourceVersion={}", old.as_str().unwrap());
    let gone = wait::until("a 410", Duration::from_secs(20), async || {
        let request = http::Request::get(&watch).body(Vec::new()).unwrap();
        let text = api.client().request_text(request).await.unwrap_or_default();
        Ok((text.contains("\"code\":410")).then_some(()))
    });
    gone.await?;

    // A restored etcd has forgotten what came after its snapshot.
    let backup = cluster.backup_etcd().await?;
    api.create(maps, &map("third")).await.unwrap();
    cluster.restore_etcd(&backup).await?;
    assert!(api.find(&format!("{maps}/second")).await.unwrap().is_some());
    assert!(api.find(&format!("{maps}/third")).await.unwrap().is_none());
    Ok(())
}
