//! Backup of one cluster, restore into a second, empty one; whether both hold the same is judged by
//! `bastion_tests::compare`, which shares no code with Bastion.

use std::{collections::BTreeSet, fs, time::Duration};

use bastion_tests::{
    Api, Bastion, Context as _, ControlPlane, Result, TestDir, awkward,
    compare::{self, Content},
    crds::{self, Project, dome, widget},
    load::Writer,
    samples, wait,
};
use serde_json::{Value, json};

use crate::restored::{Counts, of_bastion};

/// What the tests put into the first cluster, beside what every cluster has.
const NAMESPACES: [&str; 3] = ["awkward", "owners", "projects"];

/// Two clusters and a repository in a folder; `from` saves the first, `into` restores into the second.
struct Pair {
    first: ControlPlane,
    second: ControlPlane,
    from: Bastion,
    into: Bastion,
    folder: TestDir,
}

impl Pair {
    async fn new() -> Result<Self> {
        let (first, second) = tokio::join!(ControlPlane::start("first"), ControlPlane::start("second"));
        let (first, second, folder) = (first?, second?, TestDir::new("repository")?);
        let url = format!("file://{}", folder.path().join("repo").display());
        let from = Bastion::new(&url, &first.kubeconfig()?).await?;
        let into = Bastion::new(&url, &second.kubeconfig()?).await?;
        from.ok(&["init"]).await?;
        Ok(Self { first, second, from, into, folder })
    }
}

/// Everything that can be made and listed, of the tests' own namespaces and of the cluster itself.
async fn content(api: &Api) -> Result<Content> {
    compare::read(api, &compare::resources(api).await?, &NAMESPACES).await
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_comes_back_in_an_empty_cluster() -> Result<()> {
    let pair = Pair::new().await?;
    let api = pair.first.api().await?;
    for project in Project::ALL {
        project.install(&api).await?;
    }
    crds::install_own(&api).await?;
    for namespace in NAMESPACES {
        pair.first.namespace(namespace).await?;
    }
    decorate_namespace(&api).await?;
    awkward::create(&api, "awkward").await?;
    owners(&api).await?;
    let kinds = samples::objects("projects");
    for (kind, object) in &kinds {
        let path = kind.path(Some("projects"));
        api.create(&path, object).await.context(format!("sample of {}", kind.kind))?;
    }
    every_crd_has_a_sample(&api).await?;
    built_ins(&api).await?;

    pair.from.ok(&["backup", "--all", "--plaintext-secrets"]).await?;
    let should = content(&api).await?;

    // A dry run tells it all and writes nothing.
    let other = pair.second.api().await?;
    let empty = content(&other).await?;
    let plan = pair.into.ok(&["restore", "-A", "--dry-run", "-o", "json"]).await?;
    let planned = Counts::parse(&plan.stdout)?;
    assert!(planned.created > 75 && planned.failed == 0, "{planned:?}");
    assert_eq!(compare::differences(&empty, &content(&other).await?), [""; 0], "the dry run wrote something");
    assert_eq!(of_bastion(&pair.second, &["create", "update", "patch", "delete"])?, [""; 0]);

    let done = pair.into.ok(&["restore", "-A", "--yes", "-o", "json"]).await?;
    let counts = Counts::parse(&done.stdout)?;
    assert_eq!((counts.failed, counts.skipped, counts.updated), (0, 0, 0), "{}", done.text());
    assert_eq!(compare::differences(&should, &content(&other).await?), [""; 0]);

    // Once more: everything is there, nothing is written.
    let before = revisions(&content(&other).await?);
    let again = Counts::parse(&pair.into.ok(&["restore", "-A", "--yes", "-o", "json"]).await?.stdout)?;
    assert_eq!((again.created, again.updated, again.skipped, again.failed), (0, 0, 0, 0), "{again:?}");
    assert_eq!(again.unchanged, counts.created + counts.unchanged);
    assert_eq!(revisions(&content(&other).await?), before, "the second restore wrote something");

    the_owners_are_the_new_ones(&other).await?;
    pair.from.ok(&["verify"]).await?;
    views(&pair, &should).await
}

/// uid and resourceVersion of the tests' own objects.
fn revisions(content: &Content) -> BTreeSet<(String, String)> {
    let ours = content.iter().filter(|(id, _)| NAMESPACES.contains(&id.2.as_str()) || id.1 == "Dome");
    ours.map(|(_, object)| (object["metadata"]["uid"].to_string(), object["metadata"]["resourceVersion"].to_string()))
        .collect()
}

async fn decorate_namespace(api: &Api) -> Result<()> {
    let change = json!({"metadata": {
        "labels": {"team": "payments", "pod-security.kubernetes.io/enforce": "baseline"},
        "annotations": {"example.com/contact": "yes", "example.com/empty": ""},
    }});
    api.merge("/api/v1/namespaces/owners", &change).await.context("namespace").map(drop)
}

/// A chain over three kinds, two owners of one object, an owner without namespace, and finalizers.
async fn owners(api: &Api) -> Result<()> {
    let reference = |owner: &Value| {
        json!({"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
               "uid": owner["metadata"]["uid"], "controller": false, "blockOwnerDeletion": true})
    };
    let create = async |path: String, object: Value| api.create(&path, &object).await.context(path);
    let top = create(dome().path(None), dome().head(None, "zz-top")).await?;
    let widgets = widget().path(Some("owners"));
    let mut middle = widget().head(Some("owners"), "zz-middle");
    middle["metadata"]["ownerReferences"] = json!([reference(&top)]);
    middle["metadata"]["finalizers"] = json!(["tests.bastion.dev/one", "tests.bastion.dev/two"]);
    let middle = create(widgets.clone(), middle).await?;
    let other = create(widgets.clone(), widget().head(Some("owners"), "lonely")).await?;
    let maps = "/api/v1/namespaces/owners/configmaps".to_owned();
    let map = |name: &str, owners: Vec<Value>| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"},
               "metadata": {"name": name, "namespace": "owners", "ownerReferences": owners}})
    };
    // Names before their owners' in every order: only the references say what comes first.
    create(maps.clone(), map("a-bottom", vec![reference(&middle)])).await?;
    create(maps.clone(), map("b-two-owners", vec![reference(&other), reference(&middle)])).await?;
    let child = create(maps.clone(), map("c-of-lonely", vec![reference(&other)])).await?;
    let mut grandchild = widget().head(Some("owners"), "a-grandchild");
    grandchild["metadata"]["ownerReferences"] = json!([reference(&child)]);
    create(widgets, grandchild).await.map(drop)
}

/// The garbage collector of the second cluster goes by the relinked uids: it takes what an owner that is
/// deleted there had owned, and nothing else.
async fn the_owners_are_the_new_ones(api: &Api) -> Result<()> {
    let map = |name: &str| format!("/api/v1/namespaces/owners/configmaps/{name}");
    api.delete(&widget().object(Some("owners"), "lonely")).await.context("delete")?;
    let gone = wait::until("what the deleted owner owned to be collected", Duration::from_mins(2), async || {
        let child = api.find(&map("c-of-lonely")).await.context("child")?;
        let grandchild = api.find(&widget().object(Some("owners"), "a-grandchild")).await.context("grandchild")?;
        Ok((child.is_none() && grandchild.is_none()).then_some(()))
    });
    gone.await?;
    for stays in [map("a-bottom"), map("b-two-owners"), widget().object(Some("owners"), "zz-middle")] {
        assert!(api.find(&stays).await.context("look")?.is_some(), "{stays} was collected too");
    }
    Ok(())
}

async fn every_crd_has_a_sample(api: &Api) -> Result<()> {
    for kind in compare::custom_resources(api).await? {
        let objects = api.list(&kind, None).await.context("list")?;
        assert!(!objects.is_empty(), "no object of {} {} is in the story", kind.kind, kind.group);
    }
    Ok(())
}

/// Some of everything that people have beside custom resources.
async fn built_ins(api: &Api) -> Result<()> {
    let pod = json!({"metadata": {"labels": {"app": "web"}},
                     "spec": {"serviceAccountName": "web", "containers": [{"name": "web", "image": "registry.example.com/web:1"}]}});
    let all = [
        (
            "/api/v1/namespaces/projects/secrets",
            json!({"kind": "Secret", "metadata": {"name": "password"}, "data": {"p": "aHVudGVyMg=="}}),
        ),
        ("/api/v1/namespaces/projects/serviceaccounts", json!({"kind": "ServiceAccount", "metadata": {"name": "web"}})),
        (
            "/api/v1/namespaces/projects/services",
            json!({"kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}}),
        ),
        (
            "/api/v1/namespaces/projects/services",
            json!({"kind": "Service", "metadata": {"name": "fixed"},
                   "spec": {"type": "NodePort", "clusterIP": "10.96.77.77", "selector": {"app": "web"},
                            "ports": [{"port": 80, "nodePort": 30777}]}}),
        ),
        (
            "/api/v1/namespaces/projects/persistentvolumeclaims",
            json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "none", "resources": {"requests": {"storage": "1Gi"}}}}),
        ),
        (
            "/apis/apps/v1/namespaces/projects/deployments",
            json!({"kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": pod}}),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/projects/rolebindings",
            json!({"kind": "RoleBinding",
            "metadata": {"name": "tests:awkward:binding"}, "subjects": [{"kind": "ServiceAccount", "name": "web", "namespace": "projects"}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "tests:awkward:Reader#1"}}),
        ),
        (
            "/apis/networking.k8s.io/v1/namespaces/projects/networkpolicies",
            json!({"kind": "NetworkPolicy", "metadata": {"name": "deny"},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}),
        ),
    ];
    for (path, mut object) in all {
        let group = path.split("/namespaces/").next().unwrap_or_default();
        object["apiVersion"] = json!(group.trim_start_matches("/apis/").trim_start_matches("/api/"));
        api.create(path, &object).await.context(path)?;
    }
    Ok(())
}

/// The awkward widgets of it.
fn widgets_of(content: &Content) -> Content {
    content
        .iter()
        .filter(|(id, _)| id.1 == "Widget" && id.2 == "awkward")
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

/// The view shows every object, the deepest too, and the API server reads each back as it was.
async fn views(pair: &Pair, should: &Content) -> Result<()> {
    let api = pair.second.api().await?;
    let tree = pair.folder.path().join("repo/tree/first/tests.bastion.dev/v1/Widget/awkward");
    for (path, object) in awkward::objects("awkward").into_iter().filter(|(path, _)| path.contains("widgets")) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let file = tree.join(name).join("manifest.yaml");
        let text = fs::read_to_string(&file).context(format!("{}", file.display()))?;
        api.delete(&format!("{path}/{name}")).await.context(path.clone())?;
        api.create_yaml(&path, text).await.context(format!("YAML of {name}"))?;
    }
    let is = widgets_of(&content(&api).await?);
    assert_eq!(compare::differences(&widgets_of(should), &is), [""; 0], "what the YAML in tree/ says");
    let shown = pair.from.ok(&["show", "widget/deep", "-n", "awkward"]).await?;
    assert!(shown.stdout.contains("the bottom"), "{}", shown.stderr);
    let strings = pair.from.ok(&["show", "widget/strings", "-n", "awkward", "-o", "json"]).await?;
    let strings: Value = serde_json::from_str(&strings.stdout).context("JSON")?;
    let (_, original) = awkward::objects("awkward").swap_remove(0);
    let as_content = |object: &Value| Content::from([(Default::default(), json!({"spec": object["spec"]}))]);
    assert_eq!(compare::differences(&as_content(&original), &as_content(&strings)), [""; 0]);
    Ok(())
}

/// Deeper than Bastion's own limit: that object is named and fails, the others are saved.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_deeper_than_our_limit_is_named_and_stops_nothing() -> Result<()> {
    let cluster = ControlPlane::start("deep").await?;
    let (api, folder) = (cluster.api().await?, TestDir::new("repository")?);
    let repo = folder.path().display().to_string();
    let bastion = Bastion::new(&repo, &cluster.kubeconfig()?).await?;
    bastion.ok(&["init"]).await?;
    crds::install_own(&api).await?;
    cluster.namespace("one").await?;
    let mut writer = Writer::new(1);
    api.create_all(&widget(), writer.objects(&widget(), &["one"], "w", 5)).await.context("widgets")?;
    let levels = (0..1100).fold(json!(1), |inner, _| json!([inner]));
    let mut deep = widget().head(Some("one"), "too-deep");
    deep["spec"] = json!({"levels": levels});
    api.create(&widget().path(Some("one")), &deep).await.context("the server takes it")?;

    let saved = bastion.run(&["backup", "--kinds", "widgets.tests.bastion.dev"]).await?;
    assert_eq!(saved.code, 4, "{}", saved.text());
    assert!(saved.text().contains("one/too-deep") && saved.text().contains("1024"), "{}", saved.text());
    let rows = bastion.saved(&[]).await?;
    assert_eq!(rows.len(), 5, "{rows:?}");
    Ok(())
}
