#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::object::Scope;

fn kind(group: &str, kind: &str) -> Kind {
    Kind { group: group.into(), version: "v1".into(), kind: kind.into(), plural: "x".into(), scope: Scope::Namespaced }
}

/// Parsed and cleaned as the pipeline does it.
fn cleaned(rules: &Rules, kind: &Kind, json: &str) -> (String, Extras) {
    let mut manifest = Manifest::parse(json.as_bytes(), rules.drops(kind)).unwrap();
    let extras = rules.sanitize(kind, &mut manifest).unwrap();
    (String::from_utf8(canonical::to_bytes(&manifest)).unwrap(), extras)
}

const CONFIG_MAP: &str = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"shop","uid":"u1",
    "resourceVersion":"7","generation":3,"creationTimestamp":"2026-01-01T00:00:00Z","deletionTimestamp":"2026-01-02T00:00:00Z",
    "deletionGracePeriodSeconds":30,"selfLink":"/api/x","finalizers":["f"],"labels":{"app":"x"},
    "annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{}}"},
    "ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"o","uid":"u2"}],
    "managedFields":[
      {"manager":"kubectl","operation":"Apply","time":"2026-01-01T00:00:00Z","fieldsV1":{"f:data":{}}},
      {"manager":"operator","operation":"Update","time":"2026-01-03T00:00:00Z","fieldsV1":{"f:data":{}}},
      {"manager":"status-writer","operation":"Update","subresource":"status","time":"2026-01-09T00:00:00Z"}]},
    "data":{"k":"v","empty":""},"emptyDir":{},"status":{"phase":"Active"}}"#;

#[test]
fn a_backup_keeps_content_and_puts_the_rest_beside_it() {
    let (body, extras) = cleaned(&Rules::backup(), &kind("", "ConfigMap"), CONFIG_MAP);
    insta::assert_snapshot!(body, @r#"{"apiVersion":"v1","data":{"empty":"","k":"v"},"emptyDir":{},"kind":"ConfigMap","metadata":{"finalizers":["f"],"labels":{"app":"x"},"name":"x","namespace":"shop","ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"o","uid":"u2"}]}}"#);
    insta::assert_debug_snapshot!(extras, @r#"
    Extras {
        created: Some(
            "2026-01-01T00:00:00Z",
        ),
        manager: Some(
            "operator",
        ),
        managed_at: Some(
            "2026-01-03T00:00:00Z",
        ),
        unowned: [],
        last_applied: Some(
            "{\"data\":{}}",
        ),
        status: None,
    }
    "#);
}

#[test]
fn heartbeats_change_nothing() {
    let later = CONFIG_MAP
        .replace(r#""resourceVersion":"7""#, r#""resourceVersion":"8""#)
        .replace("Active", "Failing")
        .replace("2026-01-03", "2026-01-04");
    let rules = Rules::backup();
    let kind = kind("", "ConfigMap");
    assert_eq!(cleaned(&rules, &kind, CONFIG_MAP).0, cleaned(&rules, &kind, &later).0);
    assert_ne!(cleaned(&rules, &kind, CONFIG_MAP).0, cleaned(&rules, &kind, &CONFIG_MAP.replace("\"v\"", "\"w\"")).0);
}

#[test]
fn a_person_drops_paths_and_keeps_status() {
    let of = GroupKind::new("", "ConfigMap");
    let rules = Rules::backup().keep_status(of.clone()).drop_path(of.clone(), ".data.k".parse().unwrap()).unwrap();
    let (body, extras) = cleaned(&rules, &kind("", "ConfigMap"), CONFIG_MAP);
    assert!(body.contains(r#""data":{"empty":""}"#) && !body.contains("status"), "{body}");
    assert_eq!(extras.status.unwrap(), r#"{"phase":"Active"}"#);
    let other = cleaned(&rules, &kind("", "Secret"), CONFIG_MAP);
    assert!(other.0.contains(r#""k":"v""#) && other.1.status.is_none(), "rules hold for their kind only");

    for name in [".metadata", ".metadata.name", "/kind", ".*", ".metadata[*]"] {
        let refused = Rules::backup().drop_path(of.clone(), name.parse().unwrap());
        assert!(refused.is_err(), "{name} names the object");
    }
}

#[test]
fn other_rules_have_another_fingerprint() {
    let of = GroupKind::new("", "ConfigMap");
    let path: Path = ".data.k".parse().unwrap();
    let dropping = |path: &Path| Rules::backup().drop_path(of.clone(), path.clone()).unwrap();
    let all = [
        Rules::backup(),
        Rules::restore(),
        dropping(&path),
        Rules::backup().keep_status(of.clone()),
        dropping(&".data.l".parse().unwrap()),
    ];
    let fingerprints: std::collections::BTreeSet<_> = all.iter().map(|r| r.fingerprint().to_string()).collect();
    assert_eq!(fingerprints.len(), all.len());
    let twice = dropping(&path).drop_path(of.clone(), path.clone()).unwrap();
    assert_eq!(twice.fingerprint(), dropping(&path).fingerprint(), "the same rule twice is one rule");
    insta::assert_snapshot!(Rules::backup().fingerprint(), @"rules1-0e3f0e402de5");
}

#[test]
fn only_the_object_without_metadata_fails() {
    let mut manifest = Manifest::parse(br#"{"kind":"X","metadata":"secret"}"#, &PathSet::default()).unwrap();
    let error = Rules::backup().sanitize(&kind("", "X"), &mut manifest).unwrap_err();
    assert_eq!(error.to_string(), "cannot be sanitized for backup: it has no metadata");
}

#[test]
fn a_service_tells_given_addresses_from_wanted_ones() {
    let service = |managed: &str, annotations: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"s","annotations":{{{annotations}}},"managedFields":[{managed}]}},
            "spec":{{"clusterIP":"10.0.0.7","clusterIPs":["10.0.0.7"],"healthCheckNodePort":31000,
            "ports":[{{"port":80,"protocol":"TCP","nodePort":30080}},{{"port":53,"protocol":"UDP","nodePort":30053}},{{"port":1}}]}}}}"#
        )
    };
    let unowned = |json: &str| cleaned(&Rules::backup(), &kind("", "Service"), json).1.unowned.join(" ");
    let all =
        "/spec/clusterIP /spec/clusterIPs /spec/healthCheckNodePort /spec/ports/0/nodePort /spec/ports/1/nodePort";
    assert_eq!(unowned(&service("", "")), all);
    let owner = r#"{"manager":"m","fieldsV1":{"f:spec":{"f:clusterIP":{},"f:ports":{".":{},
        "k:{\"port\":53,\"protocol\":\"UDP\"}":{".":{},"f:nodePort":{},"f:port":{}},
        "k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}}}"#;
    assert_eq!(unowned(&service(owner, "")), "/spec/clusterIPs /spec/healthCheckNodePort /spec/ports/0/nodePort");
    let applied = r#""kubectl.kubernetes.io/last-applied-configuration":"{\"spec\":{\"ports\":[{\"port\":80,\"nodePort\":30080}]}}""#;
    assert!(!unowned(&service("", applied)).contains("ports/0"));
    let headless = r#"{"kind":"Service","metadata":{"name":"s"},"spec":{"clusterIP":"None","clusterIPs":["None"]}}"#;
    assert_eq!(unowned(headless), "", "headless is somebody's wish");
}

#[test]
fn a_restore_takes_out_what_the_old_cluster_wrote() {
    let out = |group: &str, name: &str, json: &str| cleaned(&Rules::restore(), &kind(group, name), json).0;
    insta::assert_snapshot!(out("", "Namespace", r#"{"metadata":{"name":"n"},"spec":{"finalizers":["kubernetes"]},"status":{}}"#),
        @r#"{"metadata":{"name":"n"}}"#);
    insta::assert_snapshot!(out("", "Pod", r#"{"metadata":{"name":"p"},"spec":{"nodeName":"n1","priority":0,"preemptionPolicy":"x","containers":[]}}"#),
        @r#"{"metadata":{"name":"p"},"spec":{"containers":[]}}"#);
    insta::assert_snapshot!(out("", "PersistentVolume", r#"{"metadata":{"name":"p"},"spec":{"claimRef":{"name":"c","namespace":"n","uid":"u","resourceVersion":"1"}}}"#),
        @r#"{"metadata":{"name":"p"},"spec":{"claimRef":{"name":"c","namespace":"n"}}}"#);
    insta::assert_snapshot!(out("", "PersistentVolumeClaim", r#"{"metadata":{"name":"p","annotations":{"pv.kubernetes.io/bind-completed":"yes","volume.kubernetes.io/selected-node":"n1"}},"spec":{"volumeName":"v"}}"#),
        @r#"{"metadata":{"name":"p"},"spec":{"volumeName":"v"}}"#);
    insta::assert_snapshot!(out("", "Secret", r#"{"type":"kubernetes.io/service-account-token","metadata":{"name":"t","annotations":{"kubernetes.io/service-account.name":"s","kubernetes.io/service-account.uid":"u"}},"data":{"token":"eA==","ca.crt":"eA==","namespace":"eA==","extra":"eA=="}}"#),
        @r#"{"data":{"extra":"eA=="},"metadata":{"annotations":{"kubernetes.io/service-account.name":"s"},"name":"t"},"type":"kubernetes.io/service-account-token"}"#);
    insta::assert_snapshot!(out("", "ServiceAccount", r#"{"metadata":{"name":"s"},"secrets":[{"name":"s-token-x7k2p"},{"name":"own"}]}"#),
        @r#"{"metadata":{"name":"s"},"secrets":[{"name":"own"}]}"#);
    insta::assert_snapshot!(out("batch", "Job", r#"{"metadata":{"name":"j","labels":{"controller-uid":"u"}},"spec":{"selector":{"matchLabels":{"batch.kubernetes.io/controller-uid":"u"}},"template":{"metadata":{"labels":{"controller-uid":"u","job-name":"j"}}}}}"#),
        @r#"{"metadata":{"name":"j"},"spec":{"template":{"metadata":{"labels":{"job-name":"j"}}}}}"#);
    insta::assert_snapshot!(out("batch", "Job", r#"{"metadata":{"name":"j"},"spec":{"manualSelector":true,"selector":{"matchLabels":{"controller-uid":"u"}}}}"#),
        @r#"{"metadata":{"name":"j"},"spec":{"manualSelector":true,"selector":{"matchLabels":{"controller-uid":"u"}}}}"#);
    insta::assert_snapshot!(out("rbac.authorization.k8s.io", "ClusterRole", r#"{"metadata":{"name":"r"},"aggregationRule":{"clusterRoleSelectors":[]},"rules":[{"verbs":["get"]}]}"#),
        @r#"{"aggregationRule":{"clusterRoleSelectors":[]},"metadata":{"name":"r"}}"#);
    insta::assert_snapshot!(out("apiextensions.k8s.io", "CustomResourceDefinition", r#"{"metadata":{"name":"c"},"spec":{"preserveUnknownFields":true,"versions":[{"name":"v1"}]}}"#),
        @r#"{"metadata":{"name":"c"},"spec":{"versions":[{"name":"v1","schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}"#);
}

#[test]
fn that_a_pod_or_job_is_completed_is_content() {
    let out = |group: &str, name: &str, json: &str| cleaned(&Rules::backup(), &kind(group, name), json).0;
    insta::assert_snapshot!(out("", "Pod", r#"{"metadata":{},"status":{"phase":"Running","podIP":"10.0.0.1"}}"#), @r#"{"metadata":{}}"#);
    insta::assert_snapshot!(out("", "Pod", r#"{"metadata":{},"status":{"phase":"Succeeded","podIP":"10.0.0.1"}}"#), @r#"{"metadata":{},"status":{"phase":"Succeeded"}}"#);
    insta::assert_snapshot!(out("batch", "Job", r#"{"metadata":{},"status":{"active":1,"conditions":[{"type":"Failed","status":"False"}]}}"#), @r#"{"metadata":{}}"#);
    insta::assert_snapshot!(out("batch", "Job", r#"{"metadata":{},"status":{"conditions":[{"type":"Complete","status":"True","lastProbeTime":"x"}]}}"#), @r#"{"metadata":{},"status":{"conditions":[{"status":"True","type":"Complete"}]}}"#);
}

proptest! {
    /// Cleaned once stays as it is, skipped while parsing or not, whatever the object.
    #[test]
    fn cleaning_is_idempotent(mut map in crate::manifest::tests::any_map(), metadata in crate::manifest::tests::any_map(), pick in 0..6_usize) {
        map.insert("metadata".into(), Value::Object(metadata));
        let kind = [kind("", "Service"), kind("", "Pod"), kind("batch", "Job"), kind("", "Secret"), kind("x.dev", "Widget"),
            kind("apiextensions.k8s.io", "CustomResourceDefinition")][pick].clone();
        for rules in [Rules::backup(), Rules::restore()] {
            let json = canonical::to_bytes(&Manifest::from(map.clone()));
            let mut skipped = Manifest::parse(&json, rules.drops(&kind)).unwrap();
            let mut whole = canonical::from_bytes(&json).unwrap();
            rules.sanitize(&kind, &mut skipped).unwrap();
            rules.sanitize(&kind, &mut whole).unwrap();
            prop_assert_eq!(&skipped, &whole);
            rules.sanitize(&kind, &mut whole).unwrap();
            prop_assert_eq!(&skipped, &whole);
        }
    }
}
