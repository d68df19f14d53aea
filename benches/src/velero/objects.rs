//! Its own objects.

use serde_json::{Value, json};

/// Where its own objects lie.
pub(super) const NAMESPACE: &str = "velero";
pub(super) const API: &str = "/apis/velero.io/v1/namespaces/velero";

pub(super) fn object(kind: &str, name: &str, spec: &Value) -> Value {
    let metadata = json!({"name": name, "namespace": NAMESPACE});
    json!({"apiVersion": "velero.io/v1", "kind": kind, "metadata": metadata, "spec": spec})
}
