//! What built-in kinds lose before they are created in a cluster, one function a kind.

use super::fields::{is, maps, remove_keys};
use crate::{
    manifest::{Manifest, Map, Value},
    object::GroupKind,
};

const CONTROLLER_UID: &[&str] = &["controller-uid", "batch.kubernetes.io/controller-uid"];

/// Type of Secrets that hold a service account's token.
pub(crate) const TOKEN_SECRET: &str = "kubernetes.io/service-account-token";

pub(super) fn apply(kind: &GroupKind, manifest: &mut Manifest) {
    let rule: fn(&mut Manifest) = match (&*kind.group, &*kind.kind) {
        ("", "Namespace") => namespace,
        ("", "Pod") => pod,
        ("", "PersistentVolume") => persistent_volume,
        ("", "PersistentVolumeClaim") => persistent_volume_claim,
        ("", "Secret") => secret,
        ("", "ServiceAccount") => service_account,
        ("apps", "Deployment" | "ReplicaSet" | "DaemonSet") => rollout,
        ("batch", "Job") => job,
        ("rbac.authorization.k8s.io", "ClusterRole") => cluster_role,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => custom_resource_definition,
        ("snapshot.storage.k8s.io", "VolumeSnapshotContent") => volume_snapshot_content,
        _ => return,
    };
    debug_assert!(!is(kind, "", "Service"), "a Service loses what no manager owns: see extras");
    rule(manifest);
}

/// The finalizer `kubernetes` in the spec is the namespace controller's; the API server adds it.
fn namespace(manifest: &mut Manifest) {
    remove_keys(manifest, &["spec"], &["finalizers"], true);
}

/// Where it ran and what admission filled in (it refuses a priority other than its own), and debug containers,
/// which cannot be created with a Pod.
fn pod(manifest: &mut Manifest) {
    remove_keys(manifest, &["spec"], &["nodeName", "priority", "preemptionPolicy", "ephemeralContainers"], false);
}

/// The claim that it is bound to gets a new uid; without uid it is bound to the claim of that name.
fn persistent_volume(manifest: &mut Manifest) {
    remove_keys(manifest, &["spec", "claimRef"], &["uid", "resourceVersion"], false);
    remove_keys(manifest, &["metadata", "annotations"], &["pv.kubernetes.io/bound-by-controller"], false);
}

/// The binding's own bookkeeping: with it the volume controller holds a new claim for bound, or lost.
fn persistent_volume_claim(manifest: &mut Manifest) {
    let bookkeeping = [
        "pv.kubernetes.io/bind-completed",
        "pv.kubernetes.io/bound-by-controller",
        "volume.beta.kubernetes.io/storage-provisioner",
        "volume.kubernetes.io/storage-provisioner",
        "volume.kubernetes.io/selected-node",
    ];
    remove_keys(manifest, &["metadata", "annotations"], &bookkeeping, false);
}

/// A token of the old cluster is worth nothing in the new one: its token controller fills in a new one, if the
/// old uid does not make it delete the Secret.
fn secret(manifest: &mut Manifest) {
    if manifest.text(&["type"]) == Some(TOKEN_SECRET) {
        remove_keys(manifest, &["metadata", "annotations"], &["kubernetes.io/service-account.uid"], false);
        remove_keys(manifest, &["data"], &["token", "ca.crt", "namespace"], true);
    }
}

/// Token Secrets that old clusters made by themselves are not restored, so they are not named either.
fn service_account(manifest: &mut Manifest) {
    let Some(generated) = manifest.name().map(|name| format!("{name}-token-")) else { return };
    if let Some(list) = manifest.get_mut(&["secrets"]).and_then(Value::as_array_mut) {
        list.retain(|secret| {
            !secret.get(&["name"]).and_then(Value::as_str).is_some_and(|name| is_generated(name, &generated))
        });
        if list.is_empty() {
            manifest.remove(&["secrets"]);
        }
    }
}

/// Whether a name is this prefix and the five characters that the API server's generator appends.
pub(crate) fn is_generated(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix)
        .is_some_and(|suffix| suffix.len() == 5 && suffix.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Counters of rollouts, which the controllers keep for each copy of the object anew.
fn rollout(manifest: &mut Manifest) {
    let counters = ["deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"];
    remove_keys(manifest, &["metadata", "annotations"], &counters, false);
}

/// A Job with its old controller-uid is refused; the API server makes selector and label anew, unless the
/// selector is the person's own.
fn job(manifest: &mut Manifest) {
    if manifest.get(&["spec", "manualSelector"]) == Some(&Value::Bool(true)) {
        return;
    }
    remove_keys(manifest, &["metadata", "labels"], CONTROLLER_UID, false);
    remove_keys(manifest, &["spec", "template", "metadata", "labels"], CONTROLLER_UID, true);
    remove_keys(manifest, &["spec", "selector", "matchLabels"], CONTROLLER_UID, true);
    if manifest.get(&["spec", "selector"]).and_then(Value::as_object).is_some_and(Map::is_empty) {
        manifest.remove(&["spec", "selector"]);
    }
}

/// The rules of an aggregated role are gathered by its controller.
fn cluster_role(manifest: &mut Manifest) {
    if manifest.get(&["aggregationRule"]).is_some_and(|rule| *rule != Value::Null) {
        manifest.remove(&["rules"]);
    }
}

/// `preserveUnknownFields: true` survives from v1beta1 but cannot be created; the schema says the same.
fn custom_resource_definition(manifest: &mut Manifest) {
    if manifest.get(&["spec", "preserveUnknownFields"]) != Some(&Value::Bool(true)) {
        // `false` is the default, and shown or not by the way it came.
        remove_keys(manifest, &["spec"], &["preserveUnknownFields"], false);
        return;
    }
    manifest.remove(&["spec", "preserveUnknownFields"]);
    for version in maps(manifest, &["spec", "versions"]) {
        let schema = version.entry("schema".into()).or_default().make_object();
        let schema = schema.entry("openAPIV3Schema".into()).or_default().make_object();
        schema.entry("type".into()).or_insert_with(|| "object".into());
        schema.insert("x-kubernetes-preserve-unknown-fields".into(), true.into());
    }
}

/// The snapshot that it is bound to gets a new uid.
fn volume_snapshot_content(manifest: &mut Manifest) {
    remove_keys(manifest, &["spec", "volumeSnapshotRef"], &["uid", "resourceVersion"], false);
}
