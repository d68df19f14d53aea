//! Another namespace: the object's own, and the references to it inside objects.
//!
//! A reference is what Kubernetes' own conventions make one: a map with a `namespace` beside a `name` or a
//! `kind` (subjects of bindings, claims of volumes, services of webhooks and API services, secrets of drivers,
//! references of custom resources). Beside these: user and group names of service accounts, lists of
//! `namespaces` in affinity terms, selectors by the namespace's name label, and secrets named in a storage
//! class's parameters. Labels, annotations, data and schemas are a person's own text and stay.

use std::{collections::BTreeMap, sync::Arc};

use crate::manifest::{Manifest, Map, Value};

pub(super) type Namespaces = BTreeMap<Arc<str>, Arc<str>>;

/// The label that every namespace carries its name in.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Under these keys stands no reference.
const TEXT: [&str; 8] =
    ["labels", "annotations", "data", "stringData", "binaryData", "schema", "openAPIV3Schema", "managedFields"];

pub(super) fn remap(manifest: &mut Manifest, namespaces: &Namespaces) {
    if namespaces.is_empty() {
        return;
    }
    let is = |group: &str, kind: &str| manifest.group() == group && manifest.kind() == Some(kind);
    let (is_namespace, is_storage_class) = (is("", "Namespace"), is("storage.k8s.io", "StorageClass"));
    if is_namespace {
        rename(manifest.get_mut(&["metadata", "name"]), namespaces);
        rename(manifest.get_mut(&["metadata", "labels", NAME_LABEL]), namespaces);
    }
    rename(manifest.get_mut(&["metadata", "namespace"]), namespaces);
    if is_storage_class && let Some(parameters) = manifest.get_mut(&["parameters"]).and_then(Value::as_object_mut) {
        for (_, value) in parameters.iter_mut().filter(|(key, _)| key.ends_with("secret-namespace")) {
            rename(Some(value), namespaces);
        }
    }
    for (key, value) in manifest.root_mut() {
        if key != "metadata" && !TEXT.contains(&key.as_str()) {
            references(value, namespaces);
        }
    }
}

fn references(value: &mut Value, namespaces: &Namespaces) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|item| references(item, namespaces)),
        Value::Object(map) => {
            if is_text(map, "name") || is_text(map, "kind") {
                rename(map.get_mut("namespace"), namespaces);
            }
            subject(map, namespaces);
            selector(map, namespaces);
            for (key, value) in map.iter_mut().filter(|(key, _)| !TEXT.contains(&key.as_str())) {
                if key == "namespaces"
                    && let Value::Array(list) = value
                {
                    for item in list {
                        rename(Some(item), namespaces);
                    }
                }
                references(value, namespaces);
            }
        }
        _ => {}
    }
}

fn is_text(map: &Map, key: &str) -> bool {
    map.get(key).is_some_and(|value| value.as_str().is_some())
}

/// `system:serviceaccount:<namespace>:<name>` and `system:serviceaccounts:<namespace>` as subjects.
fn subject(map: &mut Map, namespaces: &Namespaces) {
    let kind = map.get("kind").and_then(Value::as_str);
    if !matches!(kind, Some("User" | "Group")) {
        return;
    }
    let Some(Value::String(name)) = map.get_mut("name") else { return };
    let mut parts: Vec<&str> = name.split(':').collect();
    if let ["system", "serviceaccount" | "serviceaccounts", namespace, ..] = &mut parts[..]
        && let Some(to) = namespaces.get(*namespace)
    {
        *namespace = to;
        *name = parts.join(":").into();
    }
}

/// A label selector that picks namespaces by their names.
fn selector(map: &mut Map, namespaces: &Namespaces) {
    if let Some(labels) = map.get_mut("matchLabels") {
        rename(labels.get_mut(&[NAME_LABEL]), namespaces);
    }
    if map.get("key").and_then(Value::as_str) == Some(NAME_LABEL)
        && let Some(Value::Array(values)) = map.get_mut("values")
    {
        for value in values {
            rename(Some(value), namespaces);
        }
    }
}

fn rename(mut value: Option<&mut Value>, namespaces: &Namespaces) {
    if let Some(Value::String(name)) = &mut value
        && let Some(to) = namespaces.get(name.as_str())
    {
        *name = to.as_ref().into();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::canonical;

    fn remapped(json: &str) -> String {
        let mut manifest = canonical::from_bytes(json.as_bytes()).unwrap();
        remap(&mut manifest, &[("shop".into(), "test".into())].into());
        String::from_utf8(canonical::to_bytes(&manifest)).unwrap()
    }

    #[test]
    fn references_move_along_and_text_stays() {
        let same = |json: &str| assert_eq!(remapped(json), json);
        let moved = |json: &str| assert_eq!(remapped(json), json.replace("shop", "test"));
        moved(r#"{"kind":"ConfigMap","metadata":{"name":"x","namespace":"shop"}}"#);
        moved(
            r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"labels":{"kubernetes.io/metadata.name":"shop"},"name":"shop"}}"#,
        );
        moved(
            r#"{"kind":"RoleBinding","metadata":{"name":"x"},"subjects":[{"kind":"ServiceAccount","name":"a","namespace":"shop"},{"kind":"User","name":"system:serviceaccount:shop:a"},{"kind":"Group","name":"system:serviceaccounts:shop"}]}"#,
        );
        moved(
            r#"{"kind":"PersistentVolume","metadata":{"name":"x"},"spec":{"claimRef":{"name":"c","namespace":"shop"}}}"#,
        );
        moved(
            r#"{"kind":"ValidatingWebhookConfiguration","metadata":{"name":"x"},"webhooks":[{"clientConfig":{"service":{"name":"s","namespace":"shop"}},"namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"In","values":["shop"]}],"matchLabels":{"kubernetes.io/metadata.name":"shop"}}}]}"#,
        );
        moved(r#"{"kind":"APIService","metadata":{"name":"x"},"spec":{"service":{"name":"s","namespace":"shop"}}}"#);
        moved(
            r#"{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"x"},"parameters":{"csi.storage.k8s.io/provisioner-secret-namespace":"shop"}}"#,
        );
        moved(
            r#"{"kind":"Deployment","metadata":{"name":"x"},"spec":{"template":{"spec":{"affinity":{"podAffinity":{"a":[{"namespaces":["shop"]}]}}}}}}"#,
        );
        same(
            r#"{"data":{"kind":"x","name":"a","namespace":"shop"},"kind":"ConfigMap","metadata":{"annotations":{"namespace":"shop"},"name":"shop","namespace":"other"}}"#,
        );
        same(
            r#"{"kind":"Application","metadata":{"name":"x"},"spec":{"destination":{"namespace":"shop","server":"s"}}}"#,
        );
        same(r#"{"kind":"RoleBinding","subjects":[{"kind":"User","name":"system:serviceaccount:shops:a"}]}"#);
    }
}
