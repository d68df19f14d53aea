//! What exists, other namespaces, and being cut off.

use tokio_util::sync::CancellationToken;

use super::*;
use crate::failure::{Category, Failure};

fn prices(options: &RestoreOptions) -> RestorePlan {
    let mut backup = Backup::default();
    backup.add(&config_map("shop", "prices", "", "1")).add(&config_map("shop", "same", "", "1"));
    backup.plan(options, |_| true)
}

#[tokio::test(start_paused = true)]
async fn what_exists_and_differs_goes_by_the_policy() {
    for policy in [Conflict::Skip, Conflict::Update, Conflict::Replace, Conflict::Fail] {
        let cluster = MemoryCluster::new("new");
        cluster.put(config_map("shop", "same", "", "1")).unwrap();
        cluster.put(config_map("shop", "prices", r#","labels":{"own":"x"}"#, "2")).unwrap();
        let said = restored(prices(&RestoreOptions::new().conflict(policy)), &cluster).await;
        let prices = cluster.manifest(&id("", "ConfigMap", "shop", "prices")).unwrap();
        let now = (prices.text(&["data", "k"]).unwrap(), prices.label("own"));
        let (line, wanted) = match policy {
            Conflict::Skip => {
                ("Skipped ConfigMap shop/prices: it exists and differs at .data.k, .metadata.labels", ("2", Some("x")))
            }
            Conflict::Fail => {
                ("Failed ConfigMap shop/prices: it exists and differs at .data.k, .metadata.labels", ("2", Some("x")))
            }
            Conflict::Update => ("Updated ConfigMap shop/prices", ("1", Some("x"))),
            Conflict::Replace => ("Updated ConfigMap shop/prices", ("1", None)),
        };
        assert_eq!(said.lines().nth(1), Some(line));
        assert_eq!(said.lines().nth(2), Some("Unchanged ConfigMap shop/same"));
        assert_eq!(now, wanted, "{policy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_namespace_takes_the_objects_and_what_refers_to_them() {
    let mut backup = Backup::default();
    backup
        .add(r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","labels":{"kubernetes.io/metadata.name":"shop"}}}"#)
        .add(&config_map("shop", "prices", "", "1"))
        .add(&config_map("other", "prices", "", "1"))
        .add(&config_map("second", "prices", "", "1"));
    let options = RestoreOptions::new().map_namespace("shop", "test").map_namespace("second", "other");
    let plan = backup.plan(&options, |_| true);
    insta::assert_snapshot!(plan, @r#"
    Namespaces:
      Namespace other (if missing)
      Namespace shop (as Namespace test)
    Config:
      ConfigMap other/prices
      ConfigMap shop/prices (as ConfigMap test/prices)
    Skipped:
      ConfigMap second/prices (ConfigMap other/prices is already restored as ConfigMap other/prices)
    Note: namespace other is not in the backup; if it is missing, it is created without labels
    Note: namespace second is not in the backup; if it is missing, it is created without labels
    "#);
    let cluster = MemoryCluster::new("new");
    insta::assert_snapshot!(restored(plan, &cluster).await, @r#"
    Created Namespace other
    Created Namespace test
    Created ConfigMap other/prices
    Created ConfigMap test/prices
    "#);
    assert_eq!(
        cluster.manifest(&id("", "Namespace", "", "test")).unwrap().label("kubernetes.io/metadata.name"),
        Some("test")
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_gets_new_addresses_but_keeps_those_that_were_asked_for() {
    let mut backup = Backup::default();
    backup.add(
        r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"s","namespace":"shop","managedFields":[{"manager":"m","fieldsV1":{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{"f:nodePort":{}}}}}}]},
        "spec":{"clusterIP":"10.0.0.7","clusterIPs":["10.0.0.7"],"ports":[{"port":80,"protocol":"TCP","nodePort":30080},{"port":81,"protocol":"TCP","nodePort":30081}]}}"#,
    );
    let cluster = MemoryCluster::new("new");
    restored(backup.plan(&RestoreOptions::new(), |_| true), &cluster).await;
    let service = cluster.manifest(&id("", "Service", "shop", "s")).unwrap();
    insta::assert_snapshot!(
        serde_json::to_string(&service.get(&["spec"])).unwrap(),
        @r#"{"ports":[{"nodePort":30080,"port":80,"protocol":"TCP"},{"port":81,"protocol":"TCP"}]}"#
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_restore_says_so_and_the_next_one_goes_on() {
    let cluster = MemoryCluster::new("new");
    let (cancel, done) = (CancellationToken::new(), Arc::new(std::sync::Mutex::new(0)));
    let (stop, count) = (cancel.clone(), done.clone());
    let report = Applier::new(prices(&RestoreOptions::new().parallel(1)), Arc::new(cluster.clone()))
        .cancelled_by(cancel)
        .progress(move |_| {
            let mut count = count.lock().unwrap();
            *count += 1;
            if *count == 2 {
                stop.cancel();
            }
        })
        .run()
        .await;
    assert_eq!((report.cancelled, report.is_complete(), *done.lock().unwrap()), (true, false, 2));
    let again = restored(prices(&RestoreOptions::new()), &cluster).await;
    assert_eq!(again, "Unchanged Namespace shop\nUnchanged ConfigMap shop/prices\nCreated ConfigMap shop/same\n");
}

#[test]
fn applying_can_be_spawned_and_reports_serialize() {
    fn is_send<T: Send>(_: &T) {}
    let plan = prices(&RestoreOptions::new());
    let json = serde_json::to_string(&plan).unwrap();
    assert!(json.contains(r#""kind":"ConfigMap""#), "{json}");
    is_send(&plan.apply(Arc::new(MemoryCluster::new("new"))));
    let object = || ObjectReport::new(id("", "ConfigMap", "a", "x"), id("", "ConfigMap", "b", "x"));
    let report = RestoreReport {
        objects: vec![ObjectReport { outcome: Outcome::Created, ..object() }],
        ..RestoreReport::default()
    };
    insta::assert_snapshot!(serde_json::to_string(&report).unwrap(), @r#"{"objects":[{"from":"ConfigMap a/x","target":"ConfigMap b/x","outcome":"created"}],"skipped":[],"dryRun":false,"cancelled":false}"#);
    let failed = ObjectReport {
        outcome: Outcome::Failed,
        why: Some("forbidden".into()),
        category: Some(Category::Denied),
        notes: vec!["stored as v1beta1, written as v1".into()],
        ..object()
    };
    insta::assert_snapshot!(serde_json::to_string(&failed).unwrap(), @r#"{"from":"ConfigMap a/x","target":"ConfigMap b/x","outcome":"failed","why":"forbidden","category":"denied","notes":["stored as v1beta1, written as v1"]}"#);
}

#[test]
fn the_json_form_of_a_plan_is_stable() {
    let mut planner = Planner::new(&RestoreOptions::new());
    planner.need_bare_namespace("shop");
    planner.skip(&id("", "Node", "", "node-1"), "nodes register themselves");
    planner.unreadable(&id("", "Secret", "shop", "tls"), damaged());
    let plan = planner.plan(Arc::new(Backup::default()));
    insta::assert_snapshot!(serde_json::to_string(&plan).unwrap(), @r#"{"steps":[{"wave":"namespaces","place":0,"group":"","version":"v1","kind":"Namespace","namespace":"","name":"shop","onlyIfMissing":true,"remark":"if missing"}],"skipped":[{"object":"Node node-1","why":"nodes register themselves"}],"unreadable":[{"object":"Secret shop/tls","why":"packs/1.pack is damaged","category":"corrupt"}],"notes":["namespace shop is not in the backup; if it is missing, it is created without labels"]}"#);
}

fn damaged() -> Failure {
    Failure { category: Category::Corrupt, message: "packs/1.pack is damaged".into() }
}

#[tokio::test]
async fn what_cannot_be_read_fails_and_is_never_a_restore_of_less() {
    let mut planner = Planner::new(&RestoreOptions::new());
    planner.unreadable(&id("", "ConfigMap", "shop", "prices"), damaged());
    let plan = planner.plan(Arc::new(Backup::default()));
    assert!(!plan.is_empty() && plan.skipped().is_empty() && plan.unreadable().len() == 1);
    insta::assert_snapshot!(plan, @r"
    Unreadable:
      ConfigMap shop/prices (packs/1.pack is damaged)
    ");
    let report = plan.apply(Arc::new(MemoryCluster::new("new"))).await;
    assert_eq!(report.objects[0].category, Some(Category::Corrupt));
    assert!(!report.is_complete() && !report.cancelled);
    insta::assert_snapshot!(told(&report), @"Failed ConfigMap shop/prices: packs/1.pack is damaged");
}
