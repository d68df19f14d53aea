//! What is never restored, and why: what the cluster makes by itself, and what would run or bind twice.

use crate::{
    manifest::{Manifest, Value},
    object::GroupKind,
    sanitize::rules::{TOKEN_SECRET, is_generated},
};

/// Why this object is not restored whatever else is, if so.
pub(super) fn never(kind: &GroupKind, manifest: &Manifest) -> Option<&'static str> {
    let annotated = |key: &str| manifest.annotation(key).is_some();
    let named = |namespace: &str, name: &str| manifest.namespace() == Some(namespace) && manifest.name() == Some(name);
    let why = match (&*kind.group, &*kind.kind) {
        ("", "Node") | ("storage.k8s.io", "CSINode") | ("resource.k8s.io", "ResourceSlice") => {
            "nodes register themselves"
        }
        ("" | "events.k8s.io", "Event") => "events describe the old cluster",
        ("coordination.k8s.io", _) => "leases belong to running processes",
        ("storage.k8s.io", "VolumeAttachment" | "CSIStorageCapacity") => "drivers create it for their nodes",
        ("", "ComponentStatus") | ("internal.apiserver.k8s.io", _) => "the API server creates it",
        ("networking.k8s.io", "IPAddress") => "the API server creates it for the address of a Service",
        ("certificates.k8s.io", "CertificateSigningRequest" | "PodCertificateRequest") => {
            "a request is valid once, in its own cluster"
        }
        ("", "Pod") if annotated("kubernetes.io/config.mirror") => "the kubelet creates it from a file on its node",
        ("", "Pod") if manifest.text(&["status", "phase"]).is_some() => "it is completed and would run again",
        ("batch", "Job") if manifest.get(&["status", "conditions"]).is_some() => "it is completed and would run again",
        ("", "ConfigMap") if matches!(manifest.name(), Some("kube-root-ca.crt" | "openshift-service-ca.crt")) => {
            "a controller creates it in every namespace"
        }
        ("", "ConfigMap")
            if named("kube-system", "extension-apiserver-authentication")
                || named("kube-system", "kube-apiserver-legacy-service-account-token-tracking") =>
        {
            "the API server maintains its own"
        }
        ("", "Service" | "Endpoints") | ("discovery.k8s.io", "EndpointSlice") if named("default", "kubernetes") => {
            "the API server maintains its own"
        }
        ("", "Secret") if is_old_token(manifest) => "the old cluster created the token",
        ("", "Endpoints") if annotated("endpoints.kubernetes.io/last-change-trigger-time") => {
            "the controller of its Service creates it"
        }
        ("discovery.k8s.io", "EndpointSlice") if is_managed_slice(manifest) => {
            "the controller of its Service creates it"
        }
        ("apiregistration.k8s.io", "APIService")
            if manifest.label("kube-aggregator.kubernetes.io/automanaged").is_some() =>
        {
            "the API server registers it"
        }
        ("rbac.authorization.k8s.io", _) if manifest.label("kubernetes.io/bootstrapping").is_some() => {
            "the API server maintains its own"
        }
        ("flowcontrol.apiserver.k8s.io", _)
            if manifest.annotation("apf.kubernetes.io/autoupdate-spec") == Some("true") =>
        {
            "the API server maintains its own"
        }
        ("", "PersistentVolume") if is_provisioned(manifest) => "dynamically provisioned: its claim gets a new volume",
        _ => return None,
    };
    Some(why)
}

/// Whether a child like this is made anew by the controller of its owner: children of the built-in
/// controllers, and Pods, whoever controls them. (A custom resource's other children are restored, relinked: what
/// its operator does with them is not known. A Deployment's history of rollouts is in its `ReplicaSet`s, and
/// goes.)
pub(super) fn remade_by_controller(child: &GroupKind, owner: &GroupKind) -> bool {
    match (&*child.group, &*child.kind) {
        ("", "Pod") => true,
        ("apps", "ReplicaSet" | "ControllerRevision") => &*owner.group == "apps",
        ("batch", "Job") => &*owner.group == "batch",
        ("discovery.k8s.io", "EndpointSlice") => owner.group.is_empty(),
        _ => false,
    }
}

fn is_old_token(manifest: &Manifest) -> bool {
    let account = manifest.annotation("kubernetes.io/service-account.name").unwrap_or_default();
    manifest.text(&["type"]) == Some(TOKEN_SECRET)
        && manifest.name().is_some_and(|name| is_generated(name, &format!("{account}-token-")))
}

fn is_managed_slice(manifest: &Manifest) -> bool {
    let manager = manifest.label("endpointslice.kubernetes.io/managed-by");
    matches!(manager, Some("endpointslice-controller.k8s.io" | "endpointslicemirroring-controller.k8s.io"))
}

fn is_provisioned(manifest: &Manifest) -> bool {
    manifest.annotation("pv.kubernetes.io/provisioned-by").is_some()
        && manifest.get(&["spec", "persistentVolumeReclaimPolicy"]).and_then(Value::as_str) == Some("Delete")
}
