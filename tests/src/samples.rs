//! One object of every kind that the CRDs of [`crate::crds::Project::ALL`] define, as people write them.

use serde_json::{Value, json};

use crate::api::Resource;

/// Group, version, kind, plural, whether it is namespaced.
type Kind = (&'static str, &'static str, &'static str, &'static str, bool);

const MONITORING: &str = "monitoring.coreos.com";
const SNAPSHOT: &str = "snapshot.storage.k8s.io";
const GROUP_SNAPSHOT: &str = "groupsnapshot.storage.k8s.io";

/// One object of each, named `sample`; those with a namespace in this one.
pub fn objects(namespace: &str) -> Vec<(Resource, Value)> {
    let all = cert_manager().into_iter().chain(prometheus()).chain(argo_cd()).chain(snapshots());
    all.map(|((group, version, kind, plural, namespaced), content)| {
        let resource = Resource::new(group, version, kind, plural, namespaced);
        let mut object = resource.head(Some(namespace), "sample");
        if let (Some(object), Value::Object(content)) = (object.as_object_mut(), content) {
            object.extend(content);
        }
        (resource, object)
    })
    .collect()
}

fn cert_manager() -> Vec<(Kind, Value)> {
    let issuer = json!({"name": "letsencrypt", "kind": "ClusterIssuer", "group": "cert-manager.io"});
    // The API server keeps any bytes; only cert-manager would read the request.
    let request = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K";
    let acme = "https://acme-v02.api.letsencrypt.org/acme";
    let solver = json!({"http01": {"ingress": {"ingressClassName": "nginx"}}});
    vec![
        (
            ("cert-manager.io", "v1", "Certificate", "certificates", true),
            json!({"spec": {"secretName": "sample-tls", "dnsNames": ["example.com"], "issuerRef": issuer}}),
        ),
        (
            ("cert-manager.io", "v1", "CertificateRequest", "certificaterequests", true),
            json!({"spec": {"request": request, "issuerRef": issuer, "usages": ["server auth"]}}),
        ),
        (("cert-manager.io", "v1", "Issuer", "issuers", true), json!({"spec": {"selfSigned": {}}})),
        (
            ("cert-manager.io", "v1", "ClusterIssuer", "clusterissuers", false),
            json!({"spec": {"ca": {"secretName": "root"}}}),
        ),
        (
            ("acme.cert-manager.io", "v1", "Order", "orders", true),
            json!({"spec": {"request": request, "issuerRef": issuer, "dnsNames": ["example.com"]}}),
        ),
        (
            ("acme.cert-manager.io", "v1", "Challenge", "challenges", true),
            json!({"spec": {
                "authorizationURL": format!("{acme}/authz/1"), "url": format!("{acme}/chall/1"),
                "dnsName": "example.com", "issuerRef": issuer, "key": "key", "token": "token", "type": "HTTP-01",
                "solver": solver,
            }}),
        ),
    ]
}

fn prometheus() -> Vec<(Kind, Value)> {
    let labels = json!({"matchLabels": {"team": "payments"}});
    let endpoint = json!({"port": "metrics", "interval": "30s"});
    vec![
        (
            (MONITORING, "v1", "Alertmanager", "alertmanagers", true),
            json!({"spec": {"replicas": 3, "retention": "120h", "alertmanagerConfigSelector": {}}}),
        ),
        (
            (MONITORING, "v1alpha1", "AlertmanagerConfig", "alertmanagerconfigs", true),
            json!({"spec": {
                "route": {"receiver": "hook", "groupBy": ["alertname"], "matchers": [{"name": "a", "value": "=", "matchType": "="}]},
                "receivers": [{"name": "hook", "webhookConfigs": [{"url": "https://example.com/hook"}]}],
            }}),
        ),
        (
            (MONITORING, "v1", "PodMonitor", "podmonitors", true),
            json!({"spec": {"selector": labels, "podMetricsEndpoints": [endpoint]}}),
        ),
        (
            (MONITORING, "v1", "Probe", "probes", true),
            json!({"spec": {"prober": {"url": "prober:9115"}, "targets": {"staticConfig": {"static": ["example.com"]}}}}),
        ),
        (
            (MONITORING, "v1", "Prometheus", "prometheuses", true),
            json!({"spec": {"replicas": 2, "serviceMonitorSelector": labels, "ruleSelector": {},
                            "resources": {"requests": {"memory": "400Mi", "cpu": 1}}}}),
        ),
        (
            (MONITORING, "v1alpha1", "PrometheusAgent", "prometheusagents", true),
            json!({"spec": {"remoteWrite": [{"url": "https://example.com/write"}]}}),
        ),
        (
            (MONITORING, "v1", "PrometheusRule", "prometheusrules", true),
            json!({"spec": {"groups": [{"name": "g", "rules": [
                {"alert": "Down", "expr": "up == 0\n", "for": "5m", "annotations": {"summary": "{{ $labels.job }}: down"}},
                {"record": "job:up:sum", "expr": 1},
            ]}]}}),
        ),
        (
            (MONITORING, "v1alpha1", "ScrapeConfig", "scrapeconfigs", true),
            json!({"spec": {"staticConfigs": [{"targets": ["example.com:9100"]}], "scrapeInterval": "1m"}}),
        ),
        (
            (MONITORING, "v1", "ServiceMonitor", "servicemonitors", true),
            json!({"spec": {"selector": labels, "endpoints": [endpoint]}}),
        ),
        (
            (MONITORING, "v1", "ThanosRuler", "thanosrulers", true),
            json!({"spec": {"queryEndpoints": ["dnssrv+_http._tcp.query.svc"], "ruleSelector": {}}}),
        ),
    ]
}

fn argo_cd() -> Vec<(Kind, Value)> {
    let app = json!({
        "project": "default",
        "source": {"repoURL": "https://git.example.com/deploy.git", "path": "apps/web", "targetRevision": "main"},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "web"},
    });
    vec![
        (("argoproj.io", "v1alpha1", "Application", "applications", true), json!({"spec": app})),
        (
            ("argoproj.io", "v1alpha1", "ApplicationSet", "applicationsets", true),
            json!({"spec": {
                "goTemplate": true,
                "generators": [{"list": {"elements": [{"cluster": "one", "weight": 1.5}, {"cluster": "two", "weight": null}]}}],
                "template": {"metadata": {"name": "{{.cluster}}-web"}, "spec": app},
            }}),
        ),
        (
            ("argoproj.io", "v1alpha1", "AppProject", "appprojects", true),
            json!({"spec": {"sourceRepos": ["*"], "destinations": [{"namespace": "*", "server": "*"}]}}),
        ),
    ]
}

fn snapshots() -> Vec<(Kind, Value)> {
    let driver = "hostpath.csi.k8s.io";
    let class = json!({"driver": driver, "deletionPolicy": "Retain", "parameters": {"tier": "hot"}});
    let reference = |name: &str| json!({"name": name, "namespace": "default"});
    vec![
        ((SNAPSHOT, "v1", "VolumeSnapshotClass", "volumesnapshotclasses", false), class.clone()),
        (
            (SNAPSHOT, "v1", "VolumeSnapshot", "volumesnapshots", true),
            json!({"spec": {"volumeSnapshotClassName": "sample", "source": {"persistentVolumeClaimName": "data"}}}),
        ),
        (
            (SNAPSHOT, "v1", "VolumeSnapshotContent", "volumesnapshotcontents", false),
            json!({"spec": {"driver": driver, "deletionPolicy": "Retain", "source": {"snapshotHandle": "snap-1"},
                            "volumeSnapshotRef": reference("sample")}}),
        ),
        ((GROUP_SNAPSHOT, "v1beta2", "VolumeGroupSnapshotClass", "volumegroupsnapshotclasses", false), class),
        (
            (GROUP_SNAPSHOT, "v1beta2", "VolumeGroupSnapshot", "volumegroupsnapshots", true),
            json!({"spec": {"volumeGroupSnapshotClassName": "sample", "source": {"selector": {"matchLabels": {"app": "db"}}}}}),
        ),
        (
            (GROUP_SNAPSHOT, "v1beta2", "VolumeGroupSnapshotContent", "volumegroupsnapshotcontents", false),
            json!({"spec": {"driver": driver, "deletionPolicy": "Retain",
                            "source": {"groupSnapshotHandles": {"volumeGroupSnapshotHandle": "group-1", "volumeSnapshotHandles": ["snap-1"]}},
                            "volumeGroupSnapshotRef": reference("sample")}}),
        ),
    ]
}
