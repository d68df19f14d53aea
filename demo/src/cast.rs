//! Who plays: the objects of the demo cluster, and what happens to them.

use bastion_tests::{
    Api, ControlPlane, Resource,
    expect::{Expected, note},
    load,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use xtask::Result;

/// The teams' namespaces.
pub(crate) const NAMESPACES: [&str; 4] = ["payments", "search", "identity", "shipping"];

/// Makes the namespaces and the objects.
pub(crate) async fn enter(cluster: &ControlPlane, api: &Api, count: usize) -> Result<Expected> {
    for namespace in NAMESPACES {
        cluster.namespace(namespace).await?;
    }
    let mut writer = load::Writer::new(2026);
    let mut objects = Vec::new();
    for name in ["letsencrypt", "letsencrypt-staging", "internal-ca"] {
        objects.push((load::cluster_issuers(), writer.object(&load::cluster_issuers(), None, name)));
    }
    for name in ["fast", "cheap"] {
        objects.push((load::snapshot_classes(), writer.object(&load::snapshot_classes(), None, name)));
    }
    let kinds = [
        (load::certificates(), "web", 30),
        (load::service_monitors(), "metrics", 25),
        (load::prometheus_rules(), "alerts", 20),
        (load::applications(), "app", 25),
    ];
    for (kind, prefix, percent) in kinds {
        let made = writer.objects(&kind, &NAMESPACES, prefix, count * percent / 100);
        objects.extend(made.into_iter().map(|object| (kind.clone(), object)));
    }
    create(api, objects).await
}

/// How many there are of each kind.
pub(crate) fn count(objects: &Expected) -> std::collections::BTreeMap<String, usize> {
    let mut counts = std::collections::BTreeMap::new();
    for (group, kind, ..) in objects.keys() {
        *counts.entry(format!("{kind}.{group}")).or_default() += 1;
    }
    counts
}

/// Creates objects and notes their resourceVersions.
pub(crate) async fn create(api: &Api, objects: Vec<(Resource, Value)>) -> Result<Expected> {
    let made = stream::iter(objects).map(|(kind, object)| async move {
        let path = kind.path(object["metadata"]["namespace"].as_str());
        api.create(&path, &object).await.map(|answer| note(&kind, &answer))
    });
    Ok(made.buffer_unordered(16).try_collect().await?)
}

/// Changes the content of certificates `from..to`, each in its own namespace.
pub(crate) async fn change(api: &Api, numbers: std::ops::Range<usize>, word: &str) -> Result<Expected> {
    let kind = load::certificates();
    let mut changed = Expected::new();
    for number in numbers {
        let path = kind.object(Some(namespace(number)), &format!("web-{number:04}"));
        let change =
            json!({"spec": {"duration": "720h0m0s"}, "metadata": {"annotations": {"example.com/change": word}}});
        let answer = api.merge(&path, &change).await?;
        changed.extend([note(&kind, &answer)]);
    }
    Ok(changed)
}

/// Adds applications of these names.
pub(crate) async fn add(api: &Api, names: &[&str]) -> Result<Expected> {
    let kind = load::applications();
    let mut writer = load::Writer::new(names.len() as u64);
    let objects = names.iter().map(|name| (kind.clone(), writer.object(&kind, Some(NAMESPACES[0]), name))).collect();
    create(api, objects).await
}

/// Deletes service monitors.
pub(crate) async fn delete(api: &Api, numbers: std::ops::Range<usize>) -> Result<Expected> {
    let kind = load::service_monitors();
    let mut gone = Expected::new();
    for number in numbers {
        let name = format!("metrics-{number:04}");
        api.delete(&kind.object(Some(namespace(number)), &name)).await?;
        gone.insert((kind.group.clone(), kind.kind.clone(), namespace(number).to_owned(), name), None);
    }
    Ok(gone)
}

/// Writes so many heartbeats into the status of the first certificates, in turn, as their controller would.
pub(crate) async fn heartbeats(api: &Api, count: usize, certificates: usize) -> Result<()> {
    let beats = stream::iter(0..count).map(|beat| async move {
        let number = beat % certificates.max(1);
        let path = load::certificates().object(Some(namespace(number)), &format!("web-{number:04}"));
        let conditions = json!([{"type": "Ready", "status": "True", "reason": "Ready",
                                 "message": "Certificate is up to date and has not expired",
                                 "lastTransitionTime": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()}]);
        api.merge(&format!("{path}/status"), &json!({"status": {"revision": beat, "conditions": conditions}})).await.map(drop)
    });
    Ok(beats.buffer_unordered(16).try_collect().await?)
}

fn namespace(number: usize) -> &'static str {
    NAMESPACES[number % NAMESPACES.len()]
}
