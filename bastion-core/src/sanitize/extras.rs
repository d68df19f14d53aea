//! What is kept beside the body.

use std::sync::Arc;

use super::rules::{self, LAST_APPLIED};
use crate::{
    manifest::{Manifest, Map, PathSet, Value},
    object::GroupKind,
    record::Extras,
};

/// Reads the extras, all but `status`.
pub(super) fn take(kind: &GroupKind, manifest: &Manifest) -> Extras {
    let none = Vec::new();
    let entries = manifest.get(&["metadata", "managedFields"]).and_then(Value::as_array).unwrap_or(&none);
    let (manager, managed_at) = last_manager(entries);
    let service = rules::is(kind, "", "Service");
    Extras {
        created: manifest.text(&["metadata", "creationTimestamp"]).map(Arc::from),
        manager,
        managed_at,
        unowned: if service { unowned(manifest, entries) } else { Vec::new() },
        last_applied: manifest.annotation(LAST_APPLIED).map(Arc::from),
        status: None,
    }
}

/// Who wrote last and when. Who wrote only status does not count: status is not content. The times are all of
/// one form (RFC 3339, UTC, seconds), so their text has their order.
fn last_manager(managed: &[Value]) -> (Option<Arc<str>>, Option<Arc<str>>) {
    let last = managed
        .iter()
        .filter(|entry| text(entry, "subresource").is_empty() && !text(entry, "time").is_empty())
        .max_by_key(|entry| text(entry, "time"));
    let some = |key| last.map(|entry| Arc::from(text(entry, key)));
    (some("manager"), some("time"))
}

fn text<'a>(map: &'a Value, key: &str) -> &'a str {
    map.get(&[key]).and_then(Value::as_str).unwrap_or_default()
}

/// JSON pointers of a Service's fields that the API server filled in: present, but owned by no manager and
/// not in what was last applied. They are the old cluster's; those that a client set are wanted.
fn unowned(manifest: &Manifest, managed: &[Value]) -> Vec<Arc<str>> {
    let applied =
        manifest.annotation(LAST_APPLIED).and_then(|json| Manifest::parse(json.as_bytes(), &PathSet::default()).ok());
    let applied = applied.as_ref();
    let owned = |field: &[&str]| managed.iter().any(|entry| entry.get(field).is_some());
    let mut out = Vec::new();
    for field in ["clusterIP", "clusterIPs", "healthCheckNodePort"] {
        let Some(value) = manifest.get(&["spec", field]) else { continue };
        // "None" makes a Service headless: always somebody's wish.
        let headless = value.as_str() == Some("None")
            || value.as_array().is_some_and(|ips| ips.iter().any(|ip| ip.as_str() == Some("None")));
        let wanted = owned(&["fieldsV1", "f:spec", &format!("f:{field}")])
            || applied.is_some_and(|applied| applied.get(&["spec", field]).is_some());
        if !headless && !wanted && *value != Value::Int(0) {
            out.push(format!("/spec/{field}").into());
        }
    }
    let ports = manifest.get(&["spec", "ports"]).and_then(Value::as_array);
    for (i, port) in ports.into_iter().flatten().filter_map(Value::as_object).enumerate() {
        let set = port.get("nodePort").is_some_and(|number| *number != Value::Int(0));
        if set && !owns_node_port(managed, port) && !applied.is_some_and(|applied| applied_node_port(applied, port)) {
            out.push(format!("/spec/ports/{i}/nodePort").into());
        }
    }
    out
}

/// What tells the ports of a Service apart: the keys of that list for server-side apply.
fn port_key(port: &Map) -> (i64, &str) {
    let number = port.get("port").and_then(Value::as_i64).unwrap_or_default();
    (number, port.get("protocol").and_then(Value::as_str).unwrap_or("TCP"))
}

fn owns_node_port(managed: &[Value], port: &Map) -> bool {
    managed.iter().filter_map(|entry| entry.get(&["fieldsV1", "f:spec", "f:ports"])?.as_object()).any(|ports| {
        ports.iter().any(|(key, fields)| {
            fields.get(&["f:nodePort"]).is_some()
                && key
                    .strip_prefix("k:")
                    .and_then(|key| Manifest::parse(key.as_bytes(), &PathSet::default()).ok())
                    .is_some_and(|key| port_key(key.root()) == port_key(port))
        })
    })
}

fn applied_node_port(applied: &Manifest, port: &Map) -> bool {
    let ports = applied.get(&["spec", "ports"]).and_then(Value::as_array);
    ports
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .any(|other| other.contains_key("nodePort") && port_key(other) == port_key(port))
}
