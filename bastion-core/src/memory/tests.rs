#![allow(clippy::unwrap_used)]
use futures::StreamExt;

use super::*;
use crate::{
    object::{GroupKind, Kind, ObjectId, ResourceVersion},
    select::Selection,
    sink::{Created, Sink, UpdateMode, Updated},
    source::{Observation, Source},
};

fn config_map(name: &str, value: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"shop"}},"data":{{"k":"{value}"}}}}"#
    )
}

fn id(kind: &str, namespace: &str, name: &str) -> ObjectId {
    ObjectId::new(&GroupKind::new("", kind), namespace, name)
}

fn config_maps(cluster: &MemoryCluster) -> Kind {
    cluster.served().into_iter().find(|kind| &*kind.kind == "ConfigMap").unwrap()
}

fn said(observation: &Observation) -> String {
    match observation {
        Observation::Begin(_) => "begin".into(),
        Observation::Object(observed) => format!("{}@{}", observed.id.name, observed.resource_version),
        Observation::Exists { id, at } => format!("{}@{at} unread", id.name),
        Observation::Unselected { id, at } => format!("not {}@{at}", id.name),
        Observation::Complete { at, .. } => format!("complete@{at}"),
        Observation::Gone { id, at, proof } => format!("gone {}@{at} {proof:?}", id.name),
        Observation::Mark(at) => format!("mark@{at}"),
        Observation::Expired => "expired".into(),
        Observation::Rewound { now } => format!("rewound@{now}"),
    }
}

async fn next(
    stream: &mut futures::stream::BoxStream<'static, Result<Observation, crate::source::SourceError>>,
    n: usize,
) -> String {
    let all: Vec<_> = stream.take(n).map(|o| said(&o.unwrap())).collect().await;
    all.join(" ")
}

#[tokio::test]
async fn a_watch_lists_then_follows_and_resumes_until_its_position_expired() {
    let cluster = MemoryCluster::new("a");
    let kind = config_maps(&cluster);
    cluster.put(config_map("one", "1")).unwrap();
    let mut watch = cluster.watch().observe(&kind, None);
    assert_eq!(next(&mut watch, 3).await, "begin one@4 complete@4");

    cluster.put(config_map("one", "1")).unwrap();
    assert_eq!(cluster.resource_version(), 4, "a write that changes nothing has no effect");
    cluster.put(config_map("one", "2")).unwrap();
    assert_eq!(next(&mut watch, 2).await, "one@5 mark@5");
    cluster.delete(&id("ConfigMap", "shop", "one"));
    assert_eq!(next(&mut watch, 2).await, "gone one@6 Watched mark@6");

    let mut resumed = cluster.watch().observe(&kind, Some(ResourceVersion::from(4)));
    assert_eq!(next(&mut resumed, 3).await, "one@5 gone one@6 Watched mark@6");
    cluster.compact();
    let mut late = cluster.watch().observe(&kind, Some(ResourceVersion::from(5)));
    assert_eq!(next(&mut late, 3).await, "expired begin complete@6");

    let backup = cluster.save_etcd();
    cluster.put(config_map("two", "1")).unwrap();
    cluster.restore_etcd(&backup);
    let mut rewound = cluster.watch().observe(&kind, Some(ResourceVersion::from(7)));
    assert_eq!(next(&mut rewound, 3).await, "rewound@6 begin complete@6");
}

#[tokio::test]
async fn selections_tell_leaving_from_deletion_apart_or_say_that_they_cannot() {
    let cluster = MemoryCluster::new("a");
    let kind = config_maps(&cluster);
    let labelled = config_map("one", "1").replace(r#""name""#, r#""labels":{"app":"x"},"name""#);
    cluster.put(&labelled).unwrap();
    let mut by_label = cluster.list().select(Selection::all().labels("app=x".parse().unwrap())).observe(&kind, None);
    assert_eq!(next(&mut by_label, 9).await, "begin one@4 complete@4", "a one-shot source ends");
    let mut watch = cluster.watch().select(Selection::all().labels("app=x".parse().unwrap())).observe(&kind, None);
    next(&mut watch, 3).await;
    cluster.put(config_map("one", "1")).unwrap();
    assert_eq!(next(&mut watch, 2).await, "gone one@5 LeftSelection mark@5");
    assert!(
        !cluster
            .list()
            .select(Selection::all().labels("app=x".parse().unwrap()))
            .get(&kind, &id("ConfigMap", "shop", "one"))
            .await
            .unwrap()
            .unwrap()
            .selected
    );

    let mut annotated = cluster.list().select(Selection::default()).observe(&kind, None);
    assert_eq!(next(&mut annotated, 3).await, "begin not one@5 complete@5");
    cluster.put(r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","annotations":{"backup/enabled":"true"}}}"#).unwrap();
    let mut annotated = cluster.list().select(Selection::default()).observe(&kind, None);
    assert_eq!(next(&mut annotated, 3).await, "begin one@5 complete@6");
}

#[tokio::test]
async fn a_crd_brings_its_kind_and_takes_it_away() {
    let cluster = MemoryCluster::new("a");
    let mut kinds = cluster
        .watch()
        .kinds()
        .filter_map(async |change| match change {
            crate::source::KindChange::Added(kind) if &*kind.group == "x.dev" => Some(format!("+{kind}")),
            crate::source::KindChange::Undefined(kind) => Some(format!("-{kind}")),
            _ => None,
        })
        .boxed();
    cluster.put(r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.x.dev"},
        "spec":{"group":"x.dev","scope":"Namespaced","names":{"kind":"Widget","plural":"widgets"},"versions":[{"name":"v1","storage":true}]}}"#).unwrap();
    assert_eq!(kinds.next().await.unwrap(), "+Widget.x.dev");
    cluster.put(r#"{"apiVersion":"x.dev/v1","kind":"Widget","metadata":{"name":"w","namespace":"shop"}}"#).unwrap();
    let crd = ObjectId::new(&GroupKind::new("apiextensions.k8s.io", "CustomResourceDefinition"), "", "widgets.x.dev");
    assert!(cluster.delete(&crd));
    assert_eq!(kinds.next().await.unwrap(), "-Widget.x.dev");
    assert!(cluster.ids().iter().all(|id| &*id.group != "x.dev"));
}

#[tokio::test]
async fn as_a_sink_it_refuses_what_an_api_server_refuses() {
    let cluster = MemoryCluster::new("a");
    let kind = config_maps(&cluster);
    let one = id("ConfigMap", "shop", "one");
    let missing = cluster.create(&kind, &one, config_map("one", "1").into()).await.unwrap_err();
    assert_eq!(missing.category(), crate::Category::NotFound);
    cluster.put(r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}"#).unwrap();
    let Created::Created(live) = cluster.create(&kind, &one, config_map("one", "1").into()).await.unwrap() else {
        panic!()
    };
    assert!(matches!(cluster.create(&kind, &one, config_map("one", "2").into()).await.unwrap(), Created::Exists(_)));
    assert!(cluster.create(&kind, &one, live.body.clone()).await.is_err(), "it has a resourceVersion");

    let extra = config_map("one", "2").replace(r#""k""#, r#""new""#);
    let Updated::Updated(merged) = cluster.update(&kind, &one, extra.into(), &live, UpdateMode::Apply).await.unwrap()
    else {
        panic!()
    };
    assert_eq!(cluster.manifest(&one).unwrap().text(&["data", "k"]), Some("1"));
    assert_eq!(
        cluster.update(&kind, &one, config_map("one", "3").into(), &live, UpdateMode::Replace).await.unwrap(),
        Updated::Changed
    );
    cluster.update(&kind, &one, config_map("one", "3").into(), &merged, UpdateMode::Replace).await.unwrap();
    assert_eq!(cluster.manifest(&one).unwrap().text(&["data", "new"]), None);
    assert!(cluster.remove(&kind, &one, &merged).await.is_err(), "it changed since");
    cluster.remove(&kind, &one, &cluster.object(&one).unwrap()).await.unwrap();
    assert_eq!(cluster.object(&one), None);
}

#[test]
fn the_garbage_collector_goes_by_uid() {
    let cluster = MemoryCluster::new("a");
    let owner = cluster.put(config_map("owner", "1")).unwrap();
    let own = |name: &str, uid: &str| {
        let owners = format!(
            r#""ownerReferences":[{{"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":"{uid}"}}],"name""#
        );
        cluster.put(config_map(name, "1").replace(r#""name""#, &owners)).unwrap()
    };
    let child = own("kept", &owner.uid);
    own("orphan", "gone");
    assert_eq!(cluster.collect_garbage(), [id("ConfigMap", "shop", "orphan")].into());
    cluster.delete(&id("ConfigMap", "shop", "owner"));
    assert_eq!(cluster.collect_garbage(), [id("ConfigMap", "shop", "kept")].into());
    assert!(!child.uid.is_empty());
}

#[tokio::test]
async fn a_selection_takes_here_what_it_takes_elsewhere() {
    let cluster = MemoryCluster::new("a");
    let put = |name: &str, namespace: &str, metadata: &str| {
        let text = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"NAME","namespace":"SPACE"MORE}}"#;
        cluster.put(text.replace("NAME", name).replace("SPACE", namespace).replace("MORE", metadata)).unwrap();
    };
    put("noted", "shop", r#","labels":{"app":"x"},"annotations":{"note":"a"}"#);
    put(
        "owned",
        "shop",
        r#","labels":{"app":"x"},"ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"j","uid":"u","controller":true}]"#,
    );
    put("plain", "shop", "");
    put("other", "mail", r#","labels":{"app":"x"}"#);
    let kind = cluster.served().into_iter().find(|kind| &*kind.kind == "ConfigMap").unwrap();
    let selection = Selection::all().namespace("shop").labels("app".parse().unwrap());
    let selection = selection.annotations("note!=b".parse().unwrap()).exclude_owned_by("jobs".parse().unwrap());
    let source = cluster.list().select(selection);
    let seen: Vec<_> = source.observe(&kind, None).map(Result::unwrap).collect().await;
    let [Observation::Begin(coverage), Observation::Object(noted), Observation::Unselected { id, .. }, _] = &seen[..]
    else {
        panic!("{seen:?}")
    };
    assert_eq!((coverage.namespaces.as_deref(), coverage.selector), (Some(&["shop".into()][..]), true));
    assert_eq!((&*noted.id.name, &*id.name), ("noted", "owned"));
    let source = cluster.list().select(Selection::all().kind("cm".parse().unwrap()));
    let kinds: Vec<_> = source.kinds().map(|change| format!("{change:?}").contains("ConfigMap")).collect().await;
    assert_eq!(kinds, [true, false], "one kind, and that it is settled");
}
