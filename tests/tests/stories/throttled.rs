//! An API server that takes one request at a time and turns the others away with 429 and Retry-After.

use bastion_tests::{Bastion, Context as _, ControlPlane, ControlPlaneOptions, Result, TestDir, say};
use serde_json::json;

/// How many requests the server has turned away.
async fn turned_away(cluster: &ControlPlane) -> Result<u64> {
    let request = http::Request::get("/metrics").body(Vec::new()).unwrap();
    let text = cluster.client().await?.request_text(request).await.context("metrics")?;
    let lines = text.lines().filter(|l| l.starts_with("apiserver_request_total{code=\"429\""));
    Ok(lines.filter_map(|l| l.rsplit(' ').next()?.parse::<u64>().ok()).sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttling_api_server_is_waited_for_and_everything_is_saved() -> Result<()> {
    let options = ControlPlaneOptions {
        name: "throttled".to_owned(),
        controller_manager: false,
        apiserver_args: ["--enable-priority-and-fairness=false", "--max-requests-inflight=1"].map(str::to_owned).into(),
    };
    let cluster = ControlPlane::start_with(&options).await?;
    cluster.namespace("shop").await?;
    // Whoever is in system:masters is never turned away.
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "joe"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "joe"}]});
    let bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
    cluster.api().await?.create(bindings, &binding).await.context("binding")?;

    let dir = TestDir::new("throttled")?;
    let url = format!("file://{}", dir.path().join("repo").display());
    let bastion = Bastion::new(&url, &cluster.kubeconfig_for("joe", None)?).await?;
    bastion.ok(&["init"]).await?;
    let mut rounds = 0;
    while turned_away(&cluster).await? == 0 {
        rounds += 1;
        assert!(rounds < 10, "the server turned nobody away");
        bastion.ok(&["backup", "--all", "--policy", &format!("round-{rounds}")]).await?;
    }
    say(&format!("{} requests were turned away in {rounds} backups", turned_away(&cluster).await?));
    let roles = bastion.saved(&["clusterroles"]).await?.len();
    let live = cluster.api().await?.get("/apis/rbac.authorization.k8s.io/v1/clusterroles").await.context("roles")?;
    assert_eq!(Some(roles), live["items"].as_array().map(Vec::len));
    bastion.ok(&["verify"]).await.map(drop)
}
