use futures::stream::{StreamExt, TryStreamExt};

use super::{super::ObjectFilter, support::*};
use crate::{error::Error, object::GroupKind, restore::RestoreOptions, store::MemoryStore};

fn labelled(name: &str, rv: u64, labels: &str) -> crate::record::Change {
    let body = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"labels":{{{labels}}},"name":"{name}","namespace":"shop"}}}}"#
    );
    put(name, rv, body)
}

#[tokio::test(start_paused = true)]
async fn stored_objects_are_selected_by_labels_and_by_name() {
    let rt = runtime(1);
    let repository = init(MemoryStore::new(), &rt).await;
    let mut writer = writer(&repository, "watch").await;
    let web = labelled("web", 1, r#""app":"web""#);
    let old = labelled("old", 3, r#""app":"web""#);
    commit(&mut writer, [web, labelled("api", 2, r#""app":"api""#), old]).await.unwrap();
    commit(&mut writer, [deleted("old", 4)]).await.unwrap();
    let snapshot = repository.snapshot(CLUSTER).await.unwrap();
    let names = async |filter: ObjectFilter| {
        let found: Vec<_> = snapshot.objects(filter.clone()).try_collect().await.unwrap();
        let names = |all: &[crate::record::Revision]| all.iter().map(|r| r.id.name.to_string()).collect::<Vec<_>>();
        let histories: Vec<_> = snapshot.histories(filter.clone()).try_collect().await.unwrap();
        assert_eq!(histories.iter().map(|h| h[0].clone()).collect::<Vec<_>>(), found);
        names(&found).join(" ")
    };
    let web = || ObjectFilter::all().labels("app in (web)".parse().unwrap());
    assert_eq!(names(ObjectFilter::all()).await, "api web");
    assert_eq!(names(ObjectFilter::all().any_state()).await, "api old web");
    assert_eq!(names(web()).await, "web");
    assert_eq!(names(web().any_state()).await, "web", "what is gone has no labels");
    assert_eq!(names(web().namespace("mail")).await, "");
    assert_eq!(names(ObjectFilter::all().kind(kind()).name("api").name("web")).await, "api web");
    let other = GroupKind::new("", "Secret");
    let single = ObjectFilter::all().object(kind(), "api").object(other.clone(), "web");
    assert_eq!(names(single).await, "api", "kind and name belong together");
    assert_eq!(names(ObjectFilter::all().kind(other)).await, "");

    for filter in [web(), web().any_state()] {
        let plan = snapshot.clone().select(filter).restore_plan(&RestoreOptions::new()).await.unwrap();
        let planned: Vec<_> = plan.steps().iter().map(|step| step.from.id.to_string()).collect();
        assert_eq!(planned, ["Namespace shop", "ConfigMap shop/web"]);
    }
    let gone = ObjectFilter::all().any_state().name("old");
    let plan = snapshot.clone().select(gone).restore_plan(&RestoreOptions::new()).await.unwrap();
    assert!(plan.steps().is_empty(), "what is gone is not restored: {plan:?}");
}

#[tokio::test(start_paused = true)]
async fn an_object_whose_labels_cannot_be_read_is_named() {
    let repository = init(MemoryStore::new(), &runtime(1)).await;
    commit(&mut writer(&repository, "watch").await, [put("odd", 1, "no JSON")]).await.unwrap();
    let snapshot = repository.snapshot(CLUSTER).await.unwrap();
    let filter = ObjectFilter::all().labels("app".parse().unwrap());
    let error = snapshot.objects(filter).try_collect::<Vec<_>>().await.unwrap_err();
    assert!(matches!(&error, Error::Object { id: named, .. } if *named == id("odd")), "{error:?}");

    commit(&mut writer(&repository, "watch").await, [labelled("web", 2, r#""app":"web""#)]).await.unwrap();
    let snapshot = repository.snapshot(CLUSTER).await.unwrap();
    let items: Vec<_> = snapshot.objects(ObjectFilter::all().labels("app".parse().unwrap())).collect().await;
    assert!(matches!(&items[..], [Err(_), Ok(web)] if *web.id.name == *"web"), "the others follow: {items:?}");
}
