//! The S3 server, the proxies, and what is put into clusters: do they do what the other stories rely on?

use std::{sync::Arc, time::Duration};

use bastion_tests::{
    ControlPlane, Minio, Proxy, Resource, Result, S3Proxy, awkward, compare,
    control_plane::client_of,
    crds, load,
    proxy::Mode,
    s3_proxy::{Action, Moment},
    seed, wait,
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_s3_server_keeps_what_it_acknowledged_and_the_proxy_sees_it() -> Result<()> {
    let minio = Minio::start().await?;
    let direct = minio.bucket("first").await?;
    let proxy = S3Proxy::start(minio.port()).await?;
    let through = direct.at_port(proxy.port());

    // Blocking calls are fine here: the proxy runs on the runtime's own threads.
    let put = |key| through.put(key, b"body");
    put("a/1")?;
    assert_eq!(proxy.acknowledged_puts(), ["/first/a/1"]);

    // Cut before the request: nothing has happened. Cut before the response: it has, and nobody knows.
    proxy.hook(|moment, _| if moment == Moment::BeforeRequest { Action::Cut } else { Action::Pass });
    assert!(put("a/2").is_err());
    proxy.hook(|moment, _| if moment == Moment::BeforeResponse { Action::Cut } else { Action::Pass });
    assert!(put("a/3").is_err());
    proxy.hook(|_, e| if e.method == "PUT" { Action::Answer(503) } else { Action::Pass });
    assert!(put("a/4").is_err());
    proxy.pass();
    assert_eq!(proxy.acknowledged_puts(), ["/first/a/1"]);
    assert_eq!(proxy.count("PUT", "/first/a/"), 4);

    minio.kill();
    minio.restart().await?;
    let listed = through.list("a/")?;
    assert_eq!(listed, ["a/1", "a/3"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_goes_silent_delays_and_cuts() -> Result<()> {
    let cluster = ControlPlane::start("proxied").await?;
    let proxy = Proxy::start(cluster.apiserver_port()).await?;
    let client = client_of(&cluster.kubeconfig_through(proxy.port())?).await?;
    let api = Arc::new(bastion_tests::Api::new(client));
    let get = || async { tokio::time::timeout(Duration::from_secs(2), api.get("/api/v1/namespaces/default")).await };
    assert!(get().await.unwrap().is_ok());
    assert_eq!(proxy.traffic().connections, 1);
    proxy.set(Mode::Silent);
    assert!(get().await.is_err(), "a silent proxy answered");
    proxy.set(Mode::Forward);
    proxy.cut();
    wait::until("the client to connect again", Duration::from_secs(20), async || {
        Ok(get().await.ok().and_then(Result::ok))
    })
    .await
    .map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn real_crds_awkward_objects_and_the_comparison() -> Result<()> {
    let seed = seed();
    let (one, two) = tokio::join!(ControlPlane::start("left"), ControlPlane::start("right"));
    let (one, two) = (one?, two?);
    let (left, right) = (one.api().await?, two.api().await?);
    for (cluster, api) in [(&one, &left), (&two, &right)] {
        cluster.namespace("stuff").await?;
        crds::install_own(api).await?;
        let names = crds::Project::CertManager.install(api).await?;
        assert_eq!(names.len(), 6);
        awkward::create(api, "stuff").await?;
        let mut writer = load::Writer::new(seed);
        let kind = load::certificates();
        api.create_all(&kind, writer.objects(&kind, &["stuff"], "cert", 50)).await.unwrap();
    }
    let mut kinds = compare::custom_resources(&left).await?;
    let rbac = |kind: &str, plural: &str, namespaced| {
        Resource::new("rbac.authorization.k8s.io", "v1", kind, plural, namespaced)
    };
    kinds.push(rbac("ClusterRole", "clusterroles", false));
    kinds.push(rbac("Role", "roles", true));
    kinds.push(Resource::new("", "v1", "ConfigMap", "configmaps", true));
    let should = compare::read(&left, &kinds, &["stuff"]).await?;
    assert!(should.len() > 60, "only {} objects", should.len());
    assert_eq!(compare::differences(&should, &compare::read(&right, &kinds, &["stuff"]).await?), [""; 0]);

    // It sees a changed label, a missing object, one too many.
    let path = load::certificates().object(Some("stuff"), "cert-0007");
    right.merge(&path, &json!({"metadata": {"labels": {"team": "nobody"}}})).await.unwrap();
    right.delete(&load::certificates().object(Some("stuff"), "cert-0008")).await.unwrap();
    right.create(&crds::dome().path(None), &crds::dome().head(None, "extra")).await.unwrap();
    let found = compare::differences(&should, &compare::read(&right, &kinds, &["stuff"]).await?);
    assert_eq!(found.len(), 3, "{found:#?}");
    Ok(())
}
