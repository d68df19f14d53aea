//! Whether two clusters hold the same. It reads both through the API and knows nothing of Bastion.
//!
//! What it ignores, and why it may:
//!
//! | ignored | why |
//! |---|---|
//! | `metadata.uid`, `resourceVersion`, `generation`, `creationTimestamp` | given by the API server to *this* copy of the object; nobody can set them |
//! | `metadata.selfLink` | no longer served; derived from the name |
//! | `metadata.managedFields` | says who wrote which field when: the restore did |
//! | `metadata.deletionTimestamp`, `deletionGracePeriodSeconds` | an object on its way out is restored as one that stays |
//! | `uid` in `metadata.ownerReferences` | must be the *new* owner's; that it is, is checked instead |
//! | `status` | written by controllers from what they see, and seen anew; never restored |
//! | annotation `kubectl.kubernetes.io/last-applied-configuration` | kubectl's notebook about a past apply by a client |
//! | `spec.clusterIP`, `clusterIPs`, `nodePort`, `healthCheckNodePort` of a `Service` where no manager owns them | the API server picked them out of its own range; one that a person set must be equal |
//! | `Pod`s with a controller | their controller makes them from the owner, under random names |
//! | `Event`, `Lease`, `Endpoints`, `EndpointSlice`, `IPAddress`, `APIService`, `Node` | written by controllers and servers all day, for their own cluster |
//! | `ConfigMap` `kube-root-ca.crt` | holds the certificate of the cluster itself; the controller-manager writes it |
//!
//! Everything else must be equal, value by value: numbers by kind and value, nulls, empty maps and lists, the
//! order of lists.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    api::{Api, Resource},
    error::{Context as _, Result},
};

/// Kinds that controllers rewrite all day, and what exists once per cluster without anyone making it.
const NOT_COMPARED: [&str; 8] =
    ["events", "leases", "endpoints", "endpointslices", "ipaddresses", "componentstatuses", "apiservices", "nodes"];

/// Group, kind, namespace, name.
pub type Id = (String, String, String, String);

/// What a cluster holds, by id.
pub type Content = BTreeMap<Id, Value>;

/// Reads all objects of these resources, in these namespaces (all where empty; cluster-scoped ones always).
///
/// # Errors
/// When a list fails.
pub async fn read(api: &Api, resources: &[Resource], namespaces: &[&str]) -> Result<Content> {
    let mut content = Content::new();
    for resource in resources {
        let objects = api.list(resource, None).await.context(format!("list of {}", resource.plural))?;
        for object in objects {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (namespace, name) = (text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]));
            let wanted = namespace.is_empty() || namespaces.is_empty() || namespaces.contains(&namespace.as_str());
            if wanted && !is_made_here(resource, &name, &object) {
                content.insert((resource.group.clone(), resource.kind.clone(), namespace, name), object);
            }
        }
    }
    Ok(content)
}

/// What a cluster makes by itself, each its own.
fn is_made_here(resource: &Resource, name: &str, object: &Value) -> bool {
    match resource.kind.as_str() {
        "ConfigMap" => name == "kube-root-ca.crt",
        "Pod" => {
            let owners = object["metadata"]["ownerReferences"].as_array();
            owners.into_iter().flatten().any(|owner| owner["controller"] == true)
        }
        _ => false,
    }
}

/// Every resource that is compared by default: what can be created and listed and is not remade all day.
///
/// # Errors
/// When discovery fails.
pub async fn resources(api: &Api) -> Result<Vec<Resource>> {
    let all = api.resources().await.context("discovery")?;
    let made = |r: &Resource| r.verbs.iter().any(|v| v == "create");
    Ok(all.into_iter().filter(|r| made(r) && !NOT_COMPARED.contains(&r.plural.as_str())).collect())
}

/// The custom resources among them, and the definitions themselves.
///
/// # Errors
/// When discovery fails.
pub async fn custom_resources(api: &Api) -> Result<Vec<Resource>> {
    let built_in = |group: &str| !group.contains('.') || (group.ends_with(".k8s.io") && !group.contains("snapshot"));
    let wanted = |r: &Resource| !built_in(&r.group) || r.plural == "customresourcedefinitions";
    Ok(resources(api).await?.into_iter().filter(wanted).collect())
}

/// What differs between what should be and what is, a line each; empty means the same.
pub fn differences(should: &Content, is: &Content) -> Vec<String> {
    let uids: BTreeMap<&str, &Id> =
        is.iter().filter_map(|(id, object)| Some((object["metadata"]["uid"].as_str()?, id))).collect();
    let mut found = Vec::new();
    for (id, wanted) in should {
        let name = show(id);
        let Some(there) = is.get(id) else {
            found.push(format!("{name} is missing"));
            continue;
        };
        let (mut wanted, mut there_plain) = (plain(wanted), plain(there));
        if id.1 == "Service" && id.0.is_empty() {
            without_assigned(&should[id], &mut wanted, &mut there_plain);
        }
        value(&mut found, &name, &wanted, &there_plain);
        for owner in there["metadata"]["ownerReferences"].as_array().into_iter().flatten() {
            let uid = owner["uid"].as_str().unwrap_or_default();
            let known = is.keys().any(|k| owner["kind"] == k.1.as_str() && owner["name"] == k.3.as_str());
            let right = uids.get(uid).is_some_and(|k| owner["kind"] == k.1.as_str() && owner["name"] == k.3.as_str());
            if known && !right {
                found.push(format!("{name}: owner {} {} has another uid than {uid}", owner["kind"], owner["name"]));
            }
        }
    }
    found.extend(
        is.keys().filter(|id| !should.contains_key(*id)).map(|id| format!("{} is there, but should not be", show(id))),
    );
    found
}

/// The object without what is ignored.
fn plain(object: &Value) -> Value {
    let mut object = object.clone();
    let Some(fields) = object.as_object_mut() else { return object };
    fields.remove("status");
    let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) else { return object };
    for field in [
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "selfLink",
        "managedFields",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        metadata.remove(field);
    }
    for owner in metadata.get_mut("ownerReferences").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(owner) = owner.as_object_mut() {
            owner.remove("uid");
        }
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        // An object that had nothing but that annotation may come back without the empty map.
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    object
}

/// Takes the addresses and ports that the API server picked from a Service and from its copy. No manager of the
/// original owns those.
fn without_assigned(original: &Value, wanted: &mut Value, there: &mut Value) {
    let owned = original["metadata"]["managedFields"].to_string();
    for service in [wanted, there] {
        let Some(spec) = service.get_mut("spec").and_then(Value::as_object_mut) else { continue };
        for field in ["clusterIP", "clusterIPs", "healthCheckNodePort"] {
            if !owned.contains(&format!("f:{field}\"")) {
                spec.remove(field);
            }
        }
        for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(port) = port.as_object_mut().filter(|_| !owned.contains("f:nodePort\"")) {
                port.remove("nodePort");
            }
        }
    }
}

fn value(found: &mut Vec<String>, at: &str, should: &Value, is: &Value) {
    match (should, is) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, wanted) in a {
                match b.get(key) {
                    Some(there) => value(found, &format!("{at} .{key}"), wanted, there),
                    None => found.push(format!("{at} .{key} is missing; it should be {}", short(wanted))),
                }
            }
            found.extend(
                b.iter()
                    .filter(|(key, _)| !a.contains_key(*key))
                    .map(|(key, there)| format!("{at} .{key} is {}, but should not be there", short(there))),
            );
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (n, (wanted, there)) in a.iter().zip(b).enumerate() {
                value(found, &format!("{at} [{n}]"), wanted, there);
            }
        }
        _ if should == is => {}
        _ => found.push(format!("{at} is {}, but should be {}", short(is), short(should))),
    }
}

fn show((group, kind, namespace, name): &Id) -> String {
    let dot = if group.is_empty() { "" } else { "." };
    let slash = if namespace.is_empty() { "" } else { "/" };
    format!("{kind}{dot}{group} {namespace}{slash}{name}")
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn content(objects: &[Value]) -> Content {
        let id = |o: &Value| {
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            (String::new(), text(&o["kind"]), String::new(), text(&o["metadata"]["name"]))
        };
        objects.iter().map(|o| (id(o), o.clone())).collect()
    }

    #[test]
    fn what_the_server_gives_is_ignored_and_what_a_person_wrote_is_not() {
        let one = json!({"kind": "A", "metadata": {"name": "x", "uid": "1", "resourceVersion": "7"}, "spec": {"n": 1, "z": null}, "status": 1});
        let mut two = one.clone();
        two["metadata"]["uid"] = json!("2");
        two["status"] = json!(2);
        assert!(differences(&content(std::slice::from_ref(&one)), &content(std::slice::from_ref(&two))).is_empty());
        two["spec"] = json!({"n": 1.0});
        let found = differences(&content(&[one]), &content(&[two]));
        assert_eq!(found, ["A x .spec .n is 1.0, but should be 1", "A x .spec .z is missing; it should be null"]);
    }

    #[test]
    fn an_owner_must_be_relinked() {
        let owner = |uid: &str| json!({"kind": "A", "metadata": {"name": "owner", "uid": uid}});
        let child = |uid: &str| json!({"kind": "B", "metadata": {"name": "x", "ownerReferences": [{"kind": "A", "name": "owner", "uid": uid}]}});
        let should = content(&[owner("1"), child("1")]);
        assert!(differences(&should, &content(&[owner("2"), child("2")])).is_empty());
        assert_eq!(differences(&should, &content(&[owner("2"), child("1")])).len(), 1);
    }
}
