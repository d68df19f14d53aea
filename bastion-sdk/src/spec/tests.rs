#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::*;

/// As flags are written.
fn flags(key: &str) -> String {
    format!("--{}", key.rsplit('.').next().unwrap_or(key))
}

#[test]
fn a_wrong_value_names_its_key_as_the_person_wrote_it() {
    let selection = |s: Selection| BackupSpec::select(s).validate_as(&flags).unwrap_err();
    let second = BackupSpec::all().rule(RuleSpec::new("ConfigMap")).rule(RuleSpec::new("pod")).validate().unwrap_err();
    assert!(second.to_string().starts_with("rules[1].kind: "), "{second}");
    let late = BackupSpec::select(Selection::all().policy("")).validate().unwrap_err();
    assert!(late.to_string().starts_with("selection.policy: "), "{late}");
    assert!(late.spelled(&flags).to_string().starts_with("--policy: "));
    let rule = |r: RuleSpec| BackupSpec::all().rule(r).validate_as(&flags).unwrap_err();
    let engine = |e: EngineSpec| BackupSpec::all().engine(e).validate_as(&flags).unwrap_err();
    let cluster = |c: ClusterSpec| c.validate().unwrap_err().spelled(&flags);
    let at = RestoreSpec::all().at("soon").unwrap_err();
    let shop = Selection::all().namespace("shop");
    let objects = ObjectsSpec::default().kind("cm".parse().unwrap()).object("cm/a".parse().unwrap());
    let wrong = [
        (selection(Selection::all().namespace("Shop")), "--namespaces"),
        (selection(shop.exclude_namespace("shop")), "--excludeNamespaces"),
        (selection(Selection::all().kind("secrets".parse().unwrap())), "--plaintextSecrets"),
        (selection(Selection::all().policy("")), "--policy"),
        (rule(RuleSpec::new("deployment")), "--kind"),
        (rule(RuleSpec::new("Deployment.apps").drop_path("spec[")), "--drop"),
        (rule(RuleSpec::new("ConfigMap").drop_path("metadata.name")), "--drop"),
        (engine(EngineSpec::default().workers(WorkersSpec::between(3, 2))), "--floor"),
        (engine(EngineSpec::default().brake(BrakeSpec::new(1.5, 1))), "--share"),
        (BackupSpec::all().role("").validate_as(&flags).unwrap_err(), "--role"),
        (cluster(ClusterSpec::default().name("")), "--name"),
        (cluster(ClusterSpec::default().impersonate(Impersonation::default())), "--user"),
        (cluster(ClusterSpec::default().context("a").in_cluster()), "--inCluster"),
        (RepositorySpec::default().validate().unwrap_err().spelled(&flags), "--url"),
        (RepositorySpec::new("ftp://a").validate().unwrap_err().spelled(&flags), "--url"),
        (at.spelled(&flags), "--at"),
        (RestoreSpec::all().map_namespace("a", "").validate().unwrap_err().spelled(&flags), "--namespaces"),
        (objects.validate().unwrap_err().spelled(&flags), "--objects"),
        (SpecError::from("deployment".parse::<ObjectWord>().unwrap_err()).spelled(&flags), "--objects"),
        (engine(EngineSpec::default().commit_interval(Duration::ZERO).queue_objects(0)), "--queueObjects"),
        (engine(EngineSpec::default().compare_interval(Duration::ZERO)), "--compareInterval"),
        (cluster(ClusterSpec::default().qps(0)), "--qps"),
        (cluster(ClusterSpec::default().context("")), "--context"),
        (cluster(ClusterSpec::default().kubeconfig("")), "--kubeconfig"),
        (RestoreSpec::all().of_cluster("").validate().unwrap_err().spelled(&flags), "--cluster"),
    ];
    for (error, key) in wrong {
        assert!(error.to_string().contains(key), "{key}: {error}");
    }
}

#[test]
fn specs_are_written_as_people_write_them() {
    let spec: BackupSpec = serde_json::from_value(serde_json::json!({
        "selection": {"mode": "all", "namespaces": ["shop"], "labels": "app=web"},
        "rules": [{"kind": "Deployment.apps", "drop": ["spec.replicas"]}],
        "engine": {"commitInterval": "10s", "brake": {"share": 0.5, "count": 10}},
        "role": "portal",
    }))
    .unwrap();
    assert_eq!(spec.engine.commit_interval, Some(Duration::from_secs(10)));
    assert!(spec.validate().is_ok());
    let again: BackupSpec = serde_json::from_value(serde_json::to_value(&spec).unwrap()).unwrap();
    assert_eq!(again, spec);

    let spec: RestoreSpec = serde_json::from_value(serde_json::json!({
        "objects": {"objects": ["deployment/web"], "namespace": "shop"},
        "at": "2026-01-31T12:00:00Z",
        "conflict": "update",
        "namespaces": {"shop": "shop-copy"},
        "wait": "2m",
    }))
    .unwrap();
    let again: RestoreSpec = serde_json::from_value(serde_json::to_value(&spec).unwrap()).unwrap();
    assert_eq!(again, spec);
}

#[test]
fn unknown_keys_are_refused() {
    let wrong = serde_json::json!({"nonsense": 1});
    assert!(serde_json::from_value::<ClusterSpec>(wrong.clone()).is_err());
    assert!(serde_json::from_value::<RepositorySpec>(wrong.clone()).is_err());
    assert!(serde_json::from_value::<BackupSpec>(wrong.clone()).is_err());
    assert!(serde_json::from_value::<EngineSpec>(wrong.clone()).is_err());
    assert!(serde_json::from_value::<RestoreSpec>(wrong.clone()).is_err());
    assert!(serde_json::from_value::<ObjectsSpec>(wrong).is_err());
}
