//! Creating, updating, removing.

use bastion_core::{
    object::{GroupKind, ObjectId, Scope},
    sink::{Created, Readiness, Sink, UpdateMode, Updated},
};

use crate::cluster::{Cluster, PATIENCE, config_map_id, config_maps, kind};

fn config_map(namespace: &str, data: &str) -> bytes::Bytes {
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"a","namespace":"{namespace}"}},"data":{{{data}}}}}"#
    )
    .into()
}

#[tokio::test]
async fn an_object_is_written_only_over_the_state_that_was_seen() {
    let cluster = Cluster::new("write").await;
    let (sink, namespace) = (&cluster.sink, &cluster.namespace);
    let (kind, id) = (config_maps(), config_map_id(namespace, "a"));
    assert_eq!(sink.get(&kind, &id).await.unwrap(), None);
    let first = match sink.create(&kind, &id, config_map(namespace, r#""a":"1","b":"1""#)).await.unwrap() {
        Created::Created(live) => live,
        Created::Exists(_) => panic!("there was none"),
    };
    let again = sink.create(&kind, &id, config_map(namespace, r#""a":"2""#)).await.unwrap();
    assert_eq!(again, Created::Exists(first.clone()));

    for mode in [UpdateMode::Apply, UpdateMode::Replace] {
        let seen = sink.get(&kind, &id).await.unwrap().unwrap();
        let body = config_map(namespace, &format!(r#""a":"{mode:?}""#));
        let Updated::Updated(live) = sink.update(&kind, &id, body.clone(), &seen, mode).await.unwrap() else {
            panic!("{mode:?}: nothing came between")
        };
        let text = String::from_utf8_lossy(&live.body).into_owned();
        assert!(text.contains(&format!(r#""a":"{mode:?}""#)), "{text}");
        assert_eq!(text.contains(r#""b":"1""#), mode == UpdateMode::Apply, "{mode:?} keeps or drops what is not named");
        assert_eq!(sink.update(&kind, &id, body, &seen, mode).await.unwrap(), Updated::Changed, "{mode:?}");
    }

    let live = sink.get(&kind, &id).await.unwrap().unwrap();
    sink.remove(&kind, &id, &first).await.unwrap_err();
    sink.remove(&kind, &id, &live).await.unwrap();
    sink.remove(&kind, &id, &live).await.unwrap();
    for mode in [UpdateMode::Apply, UpdateMode::Replace] {
        let updated = sink.update(&kind, &id, config_map(namespace, ""), &live, mode).await.unwrap();
        assert_eq!(updated, Updated::Changed, "{mode:?} of an object that is gone");
    }
}

fn service(namespace: &str, name: &str, port: u16) -> bytes::Bytes {
    format!(
        r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"{name}","namespace":"{namespace}"}},
        "spec":{{"type":"NodePort","ports":[{{"port":80,"nodePort":{port}}}]}}}}"#
    )
    .into()
}

#[tokio::test]
async fn exists_is_told_from_taken() {
    let cluster = Cluster::new("exists").await;
    let (sink, namespace) = (&cluster.sink, &cluster.namespace);
    let services = kind("", "v1", "Service", "services", Scope::Namespaced);
    let id = |name: &str| ObjectId::new(&services.group_kind(), namespace.as_str(), name);
    // Never the process id itself, which is part of the namespace's name.
    let port = 30_000 + u16::try_from((std::process::id() + 1_000) % 2_000).unwrap();
    let first = sink.create(&services, &id("a"), service(namespace, "a", port)).await.unwrap();
    assert!(matches!(first, Created::Created(_)));
    // The API server answers 422 to both: its own port is taken.
    let again = sink.create(&services, &id("a"), service(namespace, "a", port)).await.unwrap();
    assert!(matches!(again, Created::Exists(_)));
    let error = sink.create(&services, &id("b"), service(namespace, "b", port)).await.unwrap_err();
    assert!(
        error.what.contains("spec.ports[0].nodePort: Invalid value: provided port is already allocated"),
        "{error}"
    );
    assert!(!error.what.contains(&port.to_string()), "no values: {error}");
}

#[tokio::test]
async fn a_definition_is_ready_when_its_kind_is_served() {
    let cluster = Cluster::new("ready").await;
    let sink = &cluster.sink;
    let definitions =
        kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", Scope::Cluster);
    let group = format!("{}.example.org", cluster.namespace);
    let gadget = GroupKind::new(group.as_str(), "Gadget");
    assert_eq!(sink.resolve(&gadget, "v1").await.unwrap(), None);
    let name = format!("gadgets.{group}");
    let body = format!(
        r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{{"name":"{name}"}},"spec":{{"group":"{group}",
        "scope":"Cluster","names":{{"plural":"gadgets","kind":"Gadget"}},"versions":[{{"name":"v1","served":true,"storage":true,
        "schema":{{"openAPIV3Schema":{{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}}]}}}}"#
    );
    cluster.put(&definitions, "", &name, &body).await;
    let id = ObjectId::new(&definitions.group_kind(), "", name.as_str());
    let ready = tokio::time::timeout(PATIENCE, async {
        while sink.ready(&definitions, &id).await.unwrap() != Readiness::Ready {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        // Ready means that the very next create works.
        let kind = sink.resolve(&gadget, "v7").await.unwrap().expect("it is served");
        assert_eq!(&*kind.version, "v1", "the wanted version is not there");
        let id = ObjectId::new(&gadget, "", "one");
        let body = format!(r#"{{"apiVersion":"{group}/v1","kind":"Gadget","metadata":{{"name":"one"}}}}"#);
        sink.create(&kind, &id, body.into()).await
    });
    assert!(matches!(ready.await.expect("ready in time").unwrap(), Created::Created(_)));
    cluster.delete(&definitions, "", &name).await;
}

#[tokio::test]
async fn a_namespace_that_is_missing_or_ending_is_named() {
    let cluster = Cluster::new("ending").await;
    let (sink, kind) = (&cluster.sink, config_maps());
    let error = sink.create(&kind, &config_map_id("nowhere", "a"), config_map("nowhere", "")).await.unwrap_err();
    assert!(error.what.contains(r#"namespaces "nowhere" not found"#), "{error}");

    let namespaces = crate::cluster::kind("", "v1", "Namespace", "namespaces", Scope::Cluster);
    let id = ObjectId::new(&namespaces.group_kind(), "", cluster.namespace.as_str());
    assert_eq!(sink.ready(&namespaces, &id).await.unwrap(), Readiness::Ready);
    let held = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"held","namespace":"{}","finalizers":["example.org/hold"]}}}}"#,
        cluster.namespace
    );
    cluster.put(&kind, &cluster.namespace, "held", &held).await;
    cluster.delete(&namespaces, "", &cluster.namespace).await;
    assert!(matches!(sink.ready(&namespaces, &id).await.unwrap(), Readiness::NotYet(_)));
    let error = sink
        .create(&kind, &config_map_id(&cluster.namespace, "a"), config_map(&cluster.namespace, ""))
        .await
        .unwrap_err();
    assert!(error.is_retryable() && error.what.contains("is being terminated"), "{error}");
    cluster.put(&kind, &cluster.namespace, "held", &held.replace(r#""example.org/hold""#, "")).await;
}

#[tokio::test]
async fn a_webhook_that_is_away_is_worth_another_try() {
    let cluster = Cluster::new("webhook").await;
    let hooks = crate::cluster::kind(
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        Scope::Cluster,
    );
    let (name, namespace) = (format!("{}.example.org", cluster.namespace), &cluster.namespace);
    let body = format!(
        r#"{{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{{"name":"{name}"}},
        "webhooks":[{{"name":"{name}","admissionReviewVersions":["v1"],"sideEffects":"None","timeoutSeconds":1,
        "clientConfig":{{"url":"https://127.0.0.1:1/"}},"namespaceSelector":{{"matchLabels":{{"kubernetes.io/metadata.name":"{namespace}"}}}},
        "rules":[{{"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"],"operations":["CREATE"]}}]}}]}}"#
    );
    cluster.put(&hooks, "", &name, &body).await;
    let (kind, id) = (config_maps(), config_map_id(namespace, "a"));
    let create = || cluster.sink.create(&kind, &id, config_map(namespace, ""));
    let error = tokio::time::timeout(PATIENCE, async {
        loop {
            match create().await {
                Err(error) => return error,
                // The configuration takes a moment to reach the server's admission.
                Ok(_) => cluster.delete(&kind, namespace, "a").await,
            }
        }
    })
    .await
    .expect("a refusal in time");
    cluster.delete(&hooks, "", &name).await;
    assert!(error.is_retryable() && error.what.contains(&format!("failed calling webhook \"{name}\"")), "{error}");
}
