//! Listing and watching.

use bastion_core::{
    object::{ResourceVersion, Scope},
    select::LabelSelector,
    sink::Sink,
    source::{KindChange, Observation, Source},
};
use bastion_k8s::{ListSource, Selection, WatchSource, preview};
use futures::{StreamExt, stream::BoxStream};

use crate::cluster::{Cluster, PATIENCE, config_map_id, config_maps, kind, next, short, until};

#[tokio::test]
async fn a_list_is_complete_over_many_pages_and_its_objects_are_whole() {
    let cluster = Cluster::new("list").await;
    for i in 0..130 {
        cluster.config_map(&format!("c{i:03}"), "", "x").await;
    }
    let source = ListSource::new(cluster.client.clone(), cluster.selection()).unwrap();
    let mut stream = source.observe(&config_maps(), None);
    let mut names = Vec::new();
    while let Some(item) = stream.next().await {
        if let Ok(Observation::Object(o)) = &item {
            assert!(o.body.starts_with(br#"{"kind":"ConfigMap","apiVersion":"v1","#), "{:?}", &o.body[..60]);
        }
        names.push(short(&item));
    }
    assert_eq!((names.first().unwrap().as_str(), names.last().unwrap().as_str()), ("begin", "complete"));
    assert_eq!(names.iter().filter(|n| n.starts_with("object c")).count(), 130);
}

#[tokio::test]
async fn a_page_that_weighs_too_much_is_asked_for_in_pieces() {
    let cluster = Cluster::new("heavy").await;
    // Light ones first, so that the page has grown when the heavy ones come.
    for i in 0..60 {
        cluster.config_map(&format!("a{i:03}"), "", "x").await;
    }
    let heavy = "x".repeat(900 << 10);
    for i in 0..24 {
        cluster.config_map(&format!("b{i:03}"), "", &heavy).await;
    }
    let source = ListSource::new(cluster.client.clone(), cluster.selection()).unwrap();
    let mut stream = source.observe(&config_maps(), None);
    let seen = until(&mut stream, "complete").await;
    let expected = (0..60).map(|i| format!("object a{i:03}")).chain((0..24).map(|i| format!("object b{i:03}")));
    let expected: Vec<_> = ["begin".to_owned()].into_iter().chain(expected).chain(["complete".to_owned()]).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn several_namespaces_are_listed_as_of_one_moment() {
    let cluster = Cluster::new("several").await;
    cluster.config_map("here", "", "x").await;
    let other = Cluster::new("several").await;
    other.config_map("there", "", "x").await;
    let mut selection = cluster.selection();
    selection.namespaces.insert(other.namespace.clone());
    let source = WatchSource::new(cluster.client.clone(), selection).unwrap();
    let mut stream = source.observe(&config_maps(), None);
    let mut seen = until(&mut stream, "complete").await;
    seen[1..3].sort(); // they come in the order of the namespaces' names
    assert_eq!(seen, ["begin", "object here", "object there", "complete"]);
    // The watch is one for all namespaces; what lies elsewhere is not mentioned.
    Cluster::new("several").await.config_map("elsewhere", "", "x").await;
    other.config_map("later", "", "x").await;
    assert_eq!(short(&next(&mut stream).await), "object later");
}

#[tokio::test]
async fn a_watch_sees_changes_and_resumes_where_it_was() {
    let cluster = Cluster::new("watch").await;
    cluster.config_map("a", "", "1").await;
    let source = WatchSource::new(cluster.client.clone(), cluster.selection()).unwrap();
    let mut stream = source.observe(&config_maps(), None);
    assert_eq!(until(&mut stream, "complete").await, ["begin", "object a", "complete"]);
    let seen = cluster.config_map("b", "", "1").await;
    assert_eq!(short(&next(&mut stream).await), "object b");
    drop(stream);

    cluster.config_map("c", "", "1").await;
    cluster.delete(&config_maps(), &cluster.namespace, "a").await;
    let mut stream = source.observe(&config_maps(), Some(seen.resource_version.clone()));
    assert_eq!(until(&mut stream, "gone a Watched").await, ["object c", "gone a Watched"]);
    let gone = source.get(&config_maps(), &config_map_id(&cluster.namespace, "a")).await.unwrap();
    assert_eq!(gone, None);
    let there = source.get(&config_maps(), &config_map_id(&cluster.namespace, "c")).await.unwrap().unwrap();
    assert!(there.selected);
    let mut stream = source.compare(&config_maps());
    assert_eq!(until(&mut stream, "complete").await, ["begin", "unread b", "unread c", "complete"]);
}

#[tokio::test]
async fn a_saved_position_from_the_future_is_found_out() {
    let cluster = Cluster::new("future").await;
    cluster.config_map("a", "", "1").await;
    let source = WatchSource::new(cluster.client.clone(), cluster.selection()).unwrap();
    let mut stream = source.observe(&config_maps(), Some(ResourceVersion::from(1_000_000_000_000)));
    assert_eq!(until(&mut stream, "complete").await, ["rewound", "begin", "object a", "complete"]);
    let mut stream = source.observe(&config_maps(), Some(ResourceVersion::new("nonsense")));
    assert_eq!(until(&mut stream, "complete").await, ["expired", "begin", "object a", "complete"]);
}

#[tokio::test]
async fn what_leaves_a_label_selector_is_not_called_deleted() {
    let cluster = Cluster::new("labels").await;
    cluster.config_map("a", r#","labels":{"app":"shop"}"#, "1").await;
    cluster.config_map("b", "", "1").await;
    let selection = cluster.selection().labels("app in (shop)".parse().unwrap());
    let source = WatchSource::new(cluster.client.clone(), selection).unwrap();
    let mut stream = source.observe(&config_maps(), None);
    assert_eq!(until(&mut stream, "complete").await, ["begin", "object a", "complete"]);
    cluster.config_map("a", "", "2").await;
    assert_eq!(short(&next(&mut stream).await), "gone a LeftSelection");
    let current = source.get(&config_maps(), &config_map_id(&cluster.namespace, "a")).await.unwrap().unwrap();
    assert!(!current.selected, "it exists and no longer matches");
}

#[tokio::test]
async fn a_namespace_s_annotation_decides_at_once_both_ways_and_over_a_restart() {
    let cluster = Cluster::new("annotated").await;
    cluster.config_map("inherits", "", "1").await;
    cluster.config_map("never", r#","annotations":{"backup/enabled":"false"}"#, "1").await;
    cluster.config_map("always", r#","annotations":{"backup/enabled":"true"}"#, "1").await;
    let selection = Selection::default().namespace(&cluster.namespace);
    let start = || WatchSource::new(cluster.client.clone(), selection.clone()).unwrap();
    let source = start();
    let mut stream = source.observe(&config_maps(), None);
    let all =
        |inherits: &str| vec!["object always".to_owned(), format!("{inherits} inherits"), "unselected never".into()];
    let mut first = until(&mut stream, "complete").await;
    assert_eq!(first.split_off(4), ["complete"]);
    assert_eq!(first.split_off(1), all("unselected"));

    cluster.namespace_with(&cluster.namespace, r#""backup/enabled":"true""#).await;
    assert_eq!(until(&mut stream, "unselected never").await, all("object"));
    let position = cluster.config_map("inherits", "", "2").await.resource_version;
    assert_eq!(short(&next(&mut stream).await), "object inherits");
    cluster.namespace_with(&cluster.namespace, "").await;
    assert_eq!(until(&mut stream, "unselected never").await, all("unselected"));
    drop((stream, source));

    // While nobody looks the annotation comes back: no object moved, yet what it marks is found.
    cluster.namespace_with(&cluster.namespace, r#""backup/enabled":"true""#).await;
    let source = start();
    let mut stream = source.observe(&config_maps(), Some(position));
    assert_eq!(until(&mut stream, "unselected never").await, all("object"));
}

#[tokio::test]
async fn no_position_passes_a_change_of_a_namespace_that_was_not_heard_of() {
    let cluster = Cluster::new("behind").await;
    cluster.config_map("inherits", "", "1").await;
    // The watch of namespaces does not come to be; all else works.
    let user = cluster.namespace.clone();
    let rbac = |k: &str, plural: &str| kind("rbac.authorization.k8s.io", "v1", k, plural, Scope::Cluster);
    let (role, binding) = (rbac("ClusterRole", "clusterroles"), rbac("ClusterRoleBinding", "clusterrolebindings"));
    let rules = r#"[{"apiGroups":[""],"resources":["namespaces"],"verbs":["list"]},{"apiGroups":[""],"resources":["configmaps"],"verbs":["list","watch"]}]"#;
    let head =
        |k: &str| format!(r#""apiVersion":"rbac.authorization.k8s.io/v1","kind":"{k}","metadata":{{"name":"{user}"}}"#);
    cluster.put(&role, "", &user, &format!(r#"{{{},"rules":{rules}}}"#, head("ClusterRole"))).await;
    let body = format!(
        r#"{{{},"roleRef":{{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"{user}"}},"subjects":[{{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"{user}"}}]}}"#,
        head("ClusterRoleBinding")
    );
    cluster.put(&binding, "", &user, &body).await;

    let selection = Selection::default().namespace(&cluster.namespace);
    let client = cluster.as_user(&user).await;
    let granted = async {
        let list = ListSource::new(client.clone(), selection.clone()).unwrap();
        while list.observe(&config_maps(), None).any(|item| async move { item.is_err() }).await {}
    };
    tokio::time::timeout(PATIENCE, granted).await.expect("the rights in time");
    let source = WatchSource::new(client, selection.clone()).unwrap();
    let mut stream = source.observe(&config_maps(), None);
    until(&mut stream, "complete").await;
    cluster.namespace_with(&cluster.namespace, r#""backup/enabled":"true""#).await;
    cluster.config_map("later", "", "1").await;
    assert_eq!(short(&next(&mut stream).await), "unselected later");
    let position = loop {
        if let Observation::Mark(at) = stream.next().await.unwrap().unwrap() {
            break at;
        }
    };
    drop((stream, source));
    cluster.delete(&binding, "", &user).await;
    cluster.delete(&role, "", &user).await;

    let source = WatchSource::new(cluster.client.clone(), selection.clone()).unwrap();
    let mut stream = source.observe(&config_maps(), Some(position));
    until(&mut stream, "object inherits").await;

    // A list knows them as they were when the first kind was listed.
    let source = ListSource::new(cluster.client.clone(), selection).unwrap();
    until(&mut source.observe(&config_maps(), None), "complete").await;
    cluster.config_map("latest", "", "1").await;
    let last = source.observe(&config_maps(), None).map(Result::unwrap).collect::<Vec<_>>().await.pop();
    let Some(Observation::Complete { at, resume }) = last else { panic!("a complete list") };
    assert!(resume.number() < at.number(), "{resume} < {at}");
}

async fn change(
    changes: &mut BoxStream<'static, KindChange>,
    mut wanted: impl FnMut(&KindChange) -> bool,
) -> KindChange {
    tokio::time::timeout(PATIENCE, async {
        loop {
            let change = changes.next().await.expect("the stream goes on");
            if wanted(&change) {
                return change;
            }
        }
    })
    .await
    .expect("the change in time")
}

fn definition(plural: &str, versions: &str) -> String {
    format!(
        r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{{"name":"{plural}.story.example.org"}},
        "spec":{{"group":"story.example.org","scope":"Namespaced","names":{{"plural":"{plural}","singular":"{plural}x","kind":"{kind}"}},
        "versions":[{versions}]}}}}"#,
        kind = plural.to_uppercase()
    )
}

fn version(name: &str, storage: bool) -> String {
    format!(
        r#"{{"name":"{name}","served":true,"storage":{storage},"schema":{{"openAPIV3Schema":{{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}}"#
    )
}

#[tokio::test]
async fn a_new_kind_is_followed_within_seconds_and_a_removed_one_is_let_go() {
    let cluster = Cluster::new("kinds").await;
    let plural = format!("w{}", cluster.namespace.replace('-', ""));
    let selection = Selection::all();
    let source = WatchSource::new(cluster.client.clone(), selection.clone()).unwrap();
    let mut changes = source.kinds();
    change(&mut changes, |c| matches!(c, KindChange::Settled)).await;

    let definitions =
        kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", Scope::Cluster);
    let name = format!("{plural}.story.example.org");
    let body = definition(&plural, &format!("{},{}", version("v2", false), version("v1", true)));
    let began = std::time::Instant::now();
    cluster.put(&definitions, "", &name, &body).await;
    let added = change(&mut changes, |c| matches!(c, KindChange::Added(k) if *k.plural == *plural)).await;
    bastion_tests::say(&format!("followed after {:?}", began.elapsed()));
    assert!(began.elapsed().as_secs() < 5);
    let KindChange::Added(added) = added else { unreachable!() };
    assert_eq!(&*added.version, "v1", "the storage version, though v2 is preferred");
    let mut stream = source.observe(&added, None);
    assert_eq!(until(&mut stream, "complete").await, ["begin", "complete"]);

    let body = format!(
        r#"{{"apiVersion":"story.example.org/v1","kind":"{}","metadata":{{"name":"one","namespace":"{}"}},"big":18014398509481985}}"#,
        added.kind, cluster.namespace
    );
    cluster.put(&added, &cluster.namespace, "one", &body).await;
    let Ok(Observation::Object(one)) = next(&mut stream).await else { panic!("an object") };
    assert!(String::from_utf8_lossy(&one.body).contains(r#""big":18014398509481985"#));

    cluster.delete(&definitions, "", &name).await;
    assert_eq!(short(&next(&mut stream).await), "gone one Watched");
    change(&mut changes, |c| matches!(c, KindChange::Undefined(k) if k.kind == added.kind)).await;
}

#[tokio::test]
async fn a_dead_api_service_is_named_and_stops_nothing() {
    let cluster = Cluster::new("dead").await;
    let services = kind("apiregistration.k8s.io", "v1", "APIService", "apiservices", Scope::Cluster);
    let group = format!("{}.example.org", cluster.namespace);
    let name = format!("v1.{group}");
    let body = format!(
        r#"{{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{{"name":"{name}"}},"spec":{{"group":"{group}",
        "version":"v1","groupPriorityMinimum":100,"versionPriority":10,"insecureSkipTLSVerify":true,"service":{{"name":"dead","namespace":"default"}}}}}}"#
    );
    cluster.put(&services, "", &name, &body).await;
    let selection = Selection::all();
    let source = WatchSource::new(cluster.client.clone(), selection).unwrap();
    let mut changes = source.kinds();
    let mut followed = 0;
    let seen = change(&mut changes, |c| {
        followed += usize::from(matches!(c, KindChange::Added(_)));
        matches!(c, KindChange::Failed { what, .. } if what.ends_with(&group))
    });
    let KindChange::Failed { error, .. } = seen.await else { unreachable!() };
    cluster.delete(&services, "", &name).await;
    assert!(error.to_string().contains("does not answer"), "{error}");
    assert!(followed > 20, "{followed}");
}

#[tokio::test]
async fn what_is_forbidden_is_said_once_with_what_to_grant() {
    let cluster = Cluster::new("denied").await;
    let jane = cluster.as_user("jane").await;
    let source = ListSource::new(jane.clone(), cluster.selection()).unwrap();
    let mut stream = source.observe(&config_maps(), None);
    assert_eq!(short(&next(&mut stream).await), "begin");
    let error = next(&mut stream).await.unwrap_err();
    assert!(error.what.contains("grant the verb list on configmaps"), "{}", error.what);
    assert!(!error.is_retryable());
    assert!(stream.next().await.is_none());
    let error = source.cluster_uid().await.unwrap_err();
    assert!(error.what.contains("grant the verb get on namespaces"), "{}", error.what);
    // Discovery is for everybody, the storage versions are not.
    let preview = preview(&jane, &cluster.selection()).await.unwrap();
    assert!(preview.failed.iter().any(|(what, _)| what.contains("storage versions")), "{preview:?}");
    assert!(!preview.followed.is_empty());
}

#[tokio::test]
async fn a_preview_finds_what_a_person_mistyped() {
    let cluster = Cluster::new("preview").await;
    let asked = |change: &dyn Fn(&mut Selection)| {
        let mut selection = cluster.selection();
        change(&mut selection);
        let client = cluster.client.clone();
        async move { preview(&client, &selection).await }
    };
    let error = asked(&|s| _ = s.kinds.insert("deploymnet".parse().unwrap())).await.unwrap_err();
    assert_eq!(error.to_string(), r#"the cluster has no kind "deploymnet"; did you mean deployments.apps?"#);
    let error = "a in b".parse::<LabelSelector>().unwrap_err();
    assert!(error.to_string().starts_with(r#""a in b" is not a label selector: "#), "{error}");
    let preview = asked(&|s| _ = s.namespaces.insert("nowhere".into())).await.unwrap();
    assert_eq!(preview.missing_namespaces, ["nowhere"]);
    let preview = asked(&|s| _ = s.kinds.insert("cm".parse().unwrap())).await.unwrap();
    assert_eq!(preview.followed, [config_maps()]);
}

#[tokio::test]
async fn the_cluster_has_a_name_of_its_own() {
    let cluster = Cluster::new("uid").await;
    let uid = cluster.client.cluster_uid().await.unwrap();
    assert_eq!(uid.len(), 36, "{uid}");
    let namespaces = kind("", "v1", "Namespace", "namespaces", Scope::Cluster);
    let id = bastion_core::object::ObjectId::new(&namespaces.group_kind(), "", "kube-system");
    assert_eq!(cluster.sink.get(&namespaces, &id).await.unwrap().unwrap().uid, uid);
}
