#![allow(clippy::unwrap_used)]
//! Restores from bodies in a map into the memory cluster.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use super::{planner::Planner, *};
use crate::{
    canonical,
    error::Result,
    hash::{Hasher, Sha256},
    manifest::Manifest,
    memory::MemoryCluster,
    object::{GroupKind, Kind, ObjectId, ResourceVersion, Scope},
    record::{BodyFile, Extras, Order, Place, Revision, RevisionState},
    repository::ObjectFilter,
    runtime::{SharedRuntime, SimRuntime},
    sanitize::{Rules, Sanitizer},
    time::Timestamp,
};

mod chain;
mod policies;
mod waves;

/// A backup: what the pipeline would have stored of objects.
#[derive(Debug, Default)]
pub(super) struct Backup {
    revisions: Vec<Revision>,
    bodies: BTreeMap<ObjectId, (Bytes, Extras)>,
}

#[async_trait]
impl bodies::Bodies for Backup {
    async fn read(&self, revision: &Revision) -> Result<(Bytes, Extras)> {
        Ok(self.bodies[&revision.id].clone())
    }

    fn runtime(&self) -> SharedRuntime {
        Arc::new(SimRuntime::new(1))
    }
}

impl Backup {
    /// A backup of everything in a cluster.
    pub(super) fn of(cluster: &MemoryCluster) -> Self {
        let mut backup = Self::default();
        for id in cluster.ids() {
            let live = cluster.object(&id).unwrap();
            backup.add(std::str::from_utf8(&live.body).unwrap());
        }
        backup
    }

    /// Adds an object as the API server would show it.
    pub(super) fn add(&mut self, json: &str) -> &mut Self {
        let whole = canonical::from_bytes(json.as_bytes()).unwrap();
        let id = whole.id().unwrap();
        let version = whole.api_version().unwrap().rsplit('/').next().unwrap().to_owned();
        let kind = Kind {
            group: id.group.clone(),
            version: version.as_str().into(),
            kind: id.kind.clone(),
            plural: "".into(),
            scope: Scope::Namespaced,
        };
        let rules = Rules::backup();
        let mut manifest = Manifest::parse(json.as_bytes(), rules.drops(&kind)).unwrap();
        let extras = rules.sanitize(&kind, &mut manifest).unwrap();
        let body = Bytes::from(canonical::to_bytes(&manifest));
        let digest = Sha256.digest(&body);
        self.revisions.push(Revision {
            id: id.clone(),
            version: version.into(),
            uid: whole.uid().unwrap_or(&format!("uid-of-{id}")).into(),
            order: Order { incarnation: 1, resource_version: ResourceVersion::from(1) },
            number: 1,
            at: Timestamp::default(),
            state: RevisionState::Put,
            digest,
            place: Some(Place {
                file: BodyFile::Segment(1),
                block_start: 0,
                block_len: 0,
                block_raw: 0,
                offset: 0,
                len: 0,
            }),
            policy: "all".into(),
        });
        self.bodies.insert(id, (body, extras));
        self
    }

    /// The plan for those of its objects that `wanted` takes.
    pub(super) fn plan(self, options: &RestoreOptions, wanted: impl Fn(&ObjectId) -> bool) -> RestorePlan {
        let mut planner = planner::Planner::new(options);
        for revision in self.revisions.iter().filter(|revision| wanted(&revision.id)) {
            planner.add(revision.clone(), &self.manifest(revision));
        }
        for revision in &self.revisions {
            let needed = &*revision.id.kind == "Namespace" && planner.missing_namespaces().contains(&revision.id.name)
                || &*revision.id.kind == "CustomResourceDefinition" && !planner.custom_kinds().is_empty();
            if needed {
                planner.need(revision.clone(), &self.manifest(revision));
            }
        }
        for name in planner.missing_namespaces() {
            planner.need_bare_namespace(&name);
        }
        planner.plan(Arc::new(self))
    }

    fn manifest(&self, revision: &Revision) -> Manifest {
        canonical::from_bytes(&self.bodies[&revision.id].0).unwrap()
    }
}

/// Restores into this cluster; every object with its outcome, a line each.
pub(super) async fn restored(plan: RestorePlan, cluster: &MemoryCluster) -> String {
    told(&plan.apply(Arc::new(cluster.clone())).await)
}

pub(super) fn told(report: &RestoreReport) -> String {
    let line = |object: &ObjectReport| {
        let why: Vec<_> = object.why.iter().chain(&object.notes).map(String::as_str).collect();
        let colon = if why.is_empty() { "" } else { ": " };
        format!("{:?} {}{colon}{}\n", object.outcome, object.target, why.join(", "))
    };
    report.objects.iter().map(line).collect()
}

pub(super) fn config_map(namespace: &str, name: &str, metadata: &str, value: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"{namespace}"{metadata}}},"data":{{"k":"{value}"}}}}"#
    )
}

pub(super) fn owned_by(owners: &[(&str, &str, &str, &str)]) -> String {
    let owner = |(api, kind, name, uid): &(&str, &str, &str, &str)| {
        format!(r#"{{"apiVersion":"{api}","kind":"{kind}","name":"{name}","uid":"{uid}","controller":true}}"#)
    };
    format!(r#","ownerReferences":[{}]"#, owners.iter().map(owner).collect::<Vec<_>>().join(","))
}

pub(super) fn crd(group: &str, kind: &str, plural: &str) -> String {
    format!(
        r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{{"name":"{plural}.{group}"}},
        "spec":{{"group":"{group}","scope":"Namespaced","names":{{"kind":"{kind}","plural":"{plural}"}},"versions":[{{"name":"v1","storage":true}}]}}}}"#
    )
}

pub(super) fn id(group: &str, kind: &str, namespace: &str, name: &str) -> ObjectId {
    ObjectId::new(&GroupKind::new(group, kind), namespace, name)
}
