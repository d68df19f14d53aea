//! Everything that a cluster serves.

use std::collections::{BTreeMap, BTreeSet};

use bastion_core::object::GroupKind;

use super::{
    answer::{Answer, Group, NewResource, OldResources, ResponseKind},
    resource::Resource,
};
use crate::{
    client::Client,
    error::{Error, Result},
    http::{
        fault::{Fault, Right},
        paths,
        rest::Request,
    },
};

/// Everything that a cluster serves, as far as it could be found out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Served {
    pub(crate) resources: Vec<Resource>,
    /// Groups whose discovery failed, and why.
    pub(crate) failed: BTreeMap<String, String>,
}

impl Served {
    /// Whether the kind is served in any version.
    pub(crate) fn knows(&self, name: &GroupKind) -> bool {
        self.resources.iter().any(|r| r.group_kind() == *name)
    }
}

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

impl Client {
    /// Asks for everything that is served. A group that does not answer is named and does not stop the rest.
    pub(crate) async fn discover(&self) -> Result<Served> {
        let mut served = Served::default();
        for root in ["/api", "/apis"] {
            let request = Request { accept: AGGREGATED, ..Request::get(root) };
            let body = self.call(&request).await.map_err(|f| failed(self, root, f))?;
            let list: Answer = serde_json::from_slice(&body).map_err(|e| {
                let why = crate::meta::without_content(&e);
                failed(self, root, Fault::Malformed(why))
            })?;
            match list {
                Answer { kind, items, .. } if kind == "APIGroupDiscoveryList" => {
                    for group in items {
                        served.add_group(group);
                    }
                }
                // Servers before 1.27 answer group by group.
                Answer { versions, .. } if root == "/api" => {
                    for version in versions {
                        self.discover_version(&mut served, "", &version).await;
                    }
                }
                Answer { groups, .. } => {
                    for group in groups {
                        for version in group.in_order() {
                            self.discover_version(&mut served, &group.name, &version).await;
                        }
                    }
                }
            }
        }
        Ok(served)
    }

    async fn discover_version(&self, served: &mut Served, group: &str, version: &str) {
        let root = paths::version(group, version);
        match self.call(&Request::get(&root)).await {
            Ok(body) => match serde_json::from_slice::<OldResources>(&body) {
                Ok(list) => served.add_old(group, version, list),
                Err(e) => drop(served.failed.insert(group.to_owned(), crate::meta::without_content(&e))),
            },
            Err(fault) => drop(served.failed.insert(group.to_owned(), failed(self, &root, fault).to_string())),
        }
    }
}

fn failed(client: &Client, root: &str, fault: Fault) -> Error {
    fault.into_error(
        format!("discovery of {root} at {}", client.server()),
        Right { verb: "get", plural: root, group: "" },
    )
}

impl Served {
    fn add_group(&mut self, group: Group) {
        let name = group.metadata.name;
        let mut stale = BTreeSet::new();
        for version in group.versions {
            if version.freshness.as_deref() == Some("Stale") {
                stale.insert(version.version.clone());
            }
            for resource in version.resources {
                self.add(&name, &version.version, resource);
            }
        }
        if !stale.is_empty() {
            let versions: Vec<_> = stale.into_iter().collect();
            let why = format!("its API service does not answer (version {})", versions.join(", "));
            self.failed.insert(name, why);
        }
    }

    fn add_old(&mut self, group: &str, version: &str, list: OldResources) {
        for resource in list.resources.into_iter().filter(|r| !r.name.contains('/')) {
            let converted = NewResource {
                resource: resource.name,
                response_kind: ResponseKind { kind: resource.kind },
                scope: if resource.namespaced { "Namespaced" } else { "Cluster" }.into(),
                singular_resource: resource.singular_name,
                verbs: resource.verbs,
                short_names: resource.short_names,
            };
            self.add(group, version, converted);
        }
    }

    fn add(&mut self, group: &str, version: &str, resource: NewResource) {
        let known = |r: &&mut Resource| r.group == group && r.plural == resource.resource;
        if let Some(there) = self.resources.iter_mut().find(known) {
            there.versions.push((version.to_owned(), resource.verbs));
            return;
        }
        self.resources.push(Resource {
            group: group.to_owned(),
            kind: resource.response_kind.kind,
            plural: resource.resource,
            singular: resource.singular_resource,
            short_names: resource.short_names,
            namespaced: resource.scope == "Namespaced",
            versions: vec![(version.to_owned(), resource.verbs)],
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_dead_group_is_named_and_the_others_are_there() {
        let body = r#"{"kind":"APIGroupDiscoveryList","items":[
            {"metadata":{"name":"autoscaling"},"versions":[
              {"version":"v2","freshness":"Current","resources":[{"resource":"horizontalpodautoscalers","responseKind":{"kind":"HorizontalPodAutoscaler"},
                "scope":"Namespaced","singularResource":"horizontalpodautoscaler","shortNames":["hpa"],"verbs":["list","watch"],"subresources":[{"subresource":"status"}]}]},
              {"version":"v1","freshness":"Current","resources":[{"resource":"horizontalpodautoscalers","responseKind":{"kind":"HorizontalPodAutoscaler"},"scope":"Namespaced","verbs":["list"]}]}]},
            {"metadata":{"name":"dead.example.org"},"versions":[{"version":"v1beta1","freshness":"Stale"}]}]}"#;
        let answer: Answer = serde_json::from_str(body).unwrap();
        let mut served = Served::default();
        for group in answer.items {
            served.add_group(group);
        }
        assert_eq!(served.resources.len(), 1);
        let hpa = &served.resources[0];
        assert_eq!(hpa.full_name(), "horizontalpodautoscalers.autoscaling");
        assert_eq!(hpa.versions_with(&["list"]).collect::<Vec<_>>(), ["v2", "v1"]);
        assert_eq!(hpa.versions_with(&["list", "watch"]).collect::<Vec<_>>(), ["v2"]);
        assert_eq!(served.failed.keys().collect::<Vec<_>>(), ["dead.example.org"]);
    }

    #[test]
    fn older_servers_are_understood() {
        let groups: Answer = serde_json::from_str(
            r#"{"kind":"APIGroupList","groups":[{"name":"batch","versions":[{"groupVersion":"batch/v1beta1","version":"v1beta1"},
            {"groupVersion":"batch/v1","version":"v1"}],"preferredVersion":{"groupVersion":"batch/v1","version":"v1"}}]}"#,
        )
        .unwrap();
        assert_eq!(groups.groups[0].in_order(), ["v1", "v1beta1"]);
        let list = r#"{"resources":[{"name":"jobs","singularName":"job","namespaced":true,"kind":"Job","verbs":["list","watch"]},
            {"name":"jobs/status","namespaced":true,"kind":"Job","verbs":["get"]}]}"#;
        let mut served = Served::default();
        served.add_old("batch", "v1", serde_json::from_str(list).unwrap());
        assert_eq!(served.resources.len(), 1);
        assert_eq!(served.resources[0].kind, "Job");
    }
}
