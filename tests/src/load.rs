//! Custom resources with the content that people write, and the changes that happen to them.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

use crate::api::Resource;

/// cert-manager's `Certificate`.
pub fn certificates() -> Resource {
    Resource::new("cert-manager.io", "v1", "Certificate", "certificates", true)
}

/// cert-manager's `ClusterIssuer`.
pub fn cluster_issuers() -> Resource {
    Resource::new("cert-manager.io", "v1", "ClusterIssuer", "clusterissuers", false)
}

/// The Prometheus operator's `ServiceMonitor`.
pub fn service_monitors() -> Resource {
    Resource::new("monitoring.coreos.com", "v1", "ServiceMonitor", "servicemonitors", true)
}

/// The Prometheus operator's `PrometheusRule`.
pub fn prometheus_rules() -> Resource {
    Resource::new("monitoring.coreos.com", "v1", "PrometheusRule", "prometheusrules", true)
}

/// Argo CD's `Application`.
pub fn applications() -> Resource {
    Resource::new("argoproj.io", "v1alpha1", "Application", "applications", true)
}

/// The CSI snapshotter's `VolumeSnapshotClass`.
pub fn snapshot_classes() -> Resource {
    Resource::new("snapshot.storage.k8s.io", "v1", "VolumeSnapshotClass", "volumesnapshotclasses", false)
}

const TEAMS: [&str; 8] = ["payments", "search", "identity", "billing", "catalog", "shipping", "media", "platform"];

/// Writes manifests; the same seed writes the same.
#[derive(Debug)]
pub struct Writer {
    random: StdRng,
}

impl Writer {
    /// A writer of this seed.
    pub fn new(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed) }
    }

    /// An object of one of the kinds above, or of any kind that keeps unknown fields.
    pub fn object(&mut self, resource: &Resource, namespace: Option<&str>, name: &str) -> Value {
        let mut object = resource.head(namespace, name);
        let team = self.pick(&TEAMS);
        object["metadata"]["labels"] = json!({
            "app.kubernetes.io/name": name,
            "app.kubernetes.io/managed-by": self.pick(&["Helm", "argocd", "kustomize"]),
            "team": team,
        });
        object["metadata"]["annotations"] = json!({
            "example.com/owner": format!("{team}@example.com"),
            "example.com/runbook": format!("https://wiki.example.com/{team}/{name}"),
        });
        object["spec"] = match resource.kind.as_str() {
            "Certificate" => self.certificate(name),
            "ClusterIssuer" => json!({"acme": {
                "server": "https://acme-v02.api.letsencrypt.org/directory",
                "email": format!("{team}@example.com"),
                "privateKeySecretRef": {"name": format!("{name}-account")},
                "solvers": [{"http01": {"ingress": {"ingressClassName": "nginx"}}}],
            }}),
            "ServiceMonitor" => self.service_monitor(name),
            "PrometheusRule" => self.prometheus_rule(name),
            "Application" => self.application(name),
            "VolumeSnapshotClass" => Value::Null,
            _ => self.anything(name),
        };
        if resource.kind == "VolumeSnapshotClass" {
            object["driver"] = json!("hostpath.csi.k8s.io");
            object["deletionPolicy"] = json!(self.pick(&["Delete", "Retain"]));
            object["parameters"] = json!({"tier": self.pick(&["hot", "cold"])});
        }
        if object["spec"].is_null()
            && let Some(fields) = object.as_object_mut()
        {
            fields.remove("spec");
        }
        object
    }

    /// Many objects of one kind, spread over namespaces: `<prefix>-0000` and so on.
    pub fn objects(&mut self, resource: &Resource, namespaces: &[&str], prefix: &str, count: usize) -> Vec<Value> {
        let places = namespaces.len().max(1);
        (0..count)
            .map(|n| self.object(resource, namespaces.get(n % places).copied(), &format!("{prefix}-{n:04}")))
            .collect()
    }

    fn certificate(&mut self, name: &str) -> Value {
        json!({
            "secretName": format!("{name}-tls"),
            "duration": "2160h0m0s",
            "renewBefore": "360h0m0s",
            "dnsNames": [format!("{name}.example.com"), format!("www.{name}.example.com")],
            "issuerRef": {"name": "letsencrypt", "kind": "ClusterIssuer", "group": "cert-manager.io"},
            "privateKey": {"algorithm": self.pick(&["RSA", "ECDSA"]), "rotationPolicy": "Always", "size": 2048},
            "usages": ["digital signature", "key encipherment", "server auth"],
        })
    }

    fn service_monitor(&mut self, name: &str) -> Value {
        json!({
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "endpoints": [{
                "port": "metrics",
                "path": "/metrics",
                "interval": self.pick(&["15s", "30s", "1m"]),
                "relabelings": [{"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node", "action": "replace"}],
                "metricRelabelings": [{"sourceLabels": ["__name__"], "regex": "go_.*", "action": "drop"}],
            }],
        })
    }

    fn prometheus_rule(&mut self, name: &str) -> Value {
        let rules: Vec<Value> = (0..self.random.random_range(2..8))
            .map(|n| {
                json!({
                    "alert": format!("HighErrorRate{n}"),
                    "expr": format!(
                        "sum(rate(http_requests_total{{job=\"{name}\",code=~\"5..\"}}[5m]))\n  /\nsum(rate(http_requests_total{{job=\"{name}\"}}[5m])) > 0.0{}\n",
                        self.random.random_range(1..9)
                    ),
                    "for": "10m",
                    "labels": {"severity": self.pick(&["page", "ticket"])},
                    "annotations": {"summary": format!("{{{{ $labels.job }}}} of {name} fails"),
                                    "description": "Error rate is {{ $value | humanizePercentage }}."},
                })
            })
            .collect();
        json!({"groups": [{"name": format!("{name}.rules"), "interval": "30s", "rules": rules}]})
    }

    fn application(&mut self, name: &str) -> Value {
        let replicas = self.random.random_range(1..9);
        json!({
            "project": "default",
            "source": {
                "repoURL": "https://git.example.com/platform/deploy.git",
                "path": format!("apps/{name}"),
                "targetRevision": "main",
                "helm": {"releaseName": name, "values": format!("replicas: {replicas}\nimage:\n  tag: 1.{replicas}.0\n")},
            },
            "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
            "syncPolicy": {"automated": {"prune": true, "selfHeal": true}, "syncOptions": ["CreateNamespace=true"]},
        })
    }

    fn anything(&mut self, name: &str) -> Value {
        json!({
            "replicas": self.random.random_range(1..100),
            "image": format!("registry.example.com/{name}:1.{}", self.random.random_range(0..50)),
            "env": (0..6).map(|n| json!({"name": format!("VAR_{n}"), "value": self.random.random::<u32>().to_string()})).collect::<Vec<_>>(),
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        })
    }

    /// One of the words.
    pub fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.random.random_range(0..words.len())]
    }
}

/// A merge patch that changes what a person wrote, in a field that every kind has.
pub fn content_patch(change: &str) -> Value {
    json!({"metadata": {"annotations": {"example.com/change": change}}})
}

/// A merge patch of the status alone, as a controller's heartbeat writes it: for the `/status` path.
pub fn status_patch(beat: u64) -> Value {
    json!({"status": {"observedBeat": beat, "conditions": [{
        "type": "Ready", "status": "True", "reason": "Beat", "message": format!("beat {beat}"),
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]}})
}
