//! What comes before what.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::object::{GroupKind, ObjectId};

/// Objects that stand on nothing of a later wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Wave {
    /// `CustomResourceDefinition`s; each is waited for until it is established.
    Definitions,
    /// Namespaces; each is waited for until it is active.
    Namespaces,
    /// Classes (storage, priority, runtime, ingress), limit ranges, network policies.
    Policy,
    /// Service accounts and roles, then their bindings.
    Access,
    /// `ConfigMap`s and `Secret`s.
    Config,
    /// Volumes and claims, snapshots of volumes.
    Volumes,
    /// Every other built-in kind.
    Workloads,
    /// Custom resources.
    Custom,
    /// What can refuse or redirect requests: webhooks, admission policies, API services, quotas.
    Admission,
}

/// The API groups of Kubernetes itself; kinds of any other group are custom resources.
const BUILT_IN: [&str; 24] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Whether a CRD must define this kind.
pub(super) fn is_custom(kind: &GroupKind) -> bool {
    !BUILT_IN.contains(&&*kind.group)
}

/// The wave of a kind, and its place within the wave.
pub(super) fn wave(kind: &GroupKind) -> (Wave, u32) {
    let wave = match (&*kind.group, &*kind.kind) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => Wave::Definitions,
        ("", "Namespace") => Wave::Namespaces,
        // A quota on a new kind refuses creates for minutes, until it has counted.
        ("", "ResourceQuota") | ("admissionregistration.k8s.io" | "apiregistration.k8s.io", _) => Wave::Admission,
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => return (Wave::Access, 1),
        ("", "ServiceAccount") | ("rbac.authorization.k8s.io", _) => Wave::Access,
        ("", "ConfigMap" | "Secret") => Wave::Config,
        ("", "PersistentVolume") | ("snapshot.storage.k8s.io", "VolumeSnapshotContent") => Wave::Volumes,
        ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot") => return (Wave::Volumes, 1),
        ("", "LimitRange")
        | ("networking.k8s.io", "IngressClass" | "NetworkPolicy")
        | ("storage.k8s.io" | "scheduling.k8s.io" | "node.k8s.io" | "flowcontrol.apiserver.k8s.io", _)
        | ("snapshot.storage.k8s.io", "VolumeSnapshotClass") => Wave::Policy,
        _ if is_custom(kind) => Wave::Custom,
        _ => Wave::Workloads,
    };
    (wave, 0)
}

/// An object's owner that comes after it, and which therefore cannot be linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Broken {
    pub(super) object: usize,
    pub(super) owner: usize,
}

/// Puts every object after its owners: gives each its stage, which is that of its kind or the one after its
/// owners', and the links that close a circle.
pub(super) fn stages(ids: &[ObjectId], owners: &[Vec<usize>]) -> (Vec<(Wave, u32)>, Vec<Broken>) {
    let mut stages: Vec<_> = ids.iter().map(|id| wave(&id.group_kind())).collect();
    let mut waiting: Vec<BTreeSet<usize>> = owners.iter().map(|owners| owners.iter().copied().collect()).collect();
    let mut owned: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (object, owners) in waiting.iter().enumerate() {
        for owner in owners {
            owned.entry(*owner).or_default().push(object);
        }
    }
    let mut broken = Vec::new();
    let mut ready: Vec<_> = (0..ids.len()).filter(|object| waiting[*object].is_empty()).collect();
    let mut left: BTreeSet<_> = (0..ids.len()).filter(|object| !waiting[*object].is_empty()).collect();
    loop {
        while let Some(owner) = ready.pop() {
            for object in owned.remove(&owner).unwrap_or_default() {
                if waiting[object].remove(&owner) {
                    let (wave, place) = stages[owner];
                    stages[object] = stages[object].max((wave, place + 1));
                    if waiting[object].is_empty() && left.remove(&object) {
                        ready.push(object);
                    }
                }
            }
        }
        // Whoever is left is in a circle or after one. From any of them the way along owners ends in one.
        let Some(start) = left.first() else { break };
        let circle = circle(*start, &waiting);
        let object = circle.iter().copied().min().unwrap_or(*start);
        for owner in circle {
            if waiting[object].remove(&owner) {
                broken.push(Broken { object, owner });
            }
        }
        if waiting[object].is_empty() {
            left.remove(&object);
            ready.push(object);
        }
    }
    (stages, broken)
}

fn circle(start: usize, waiting: &[BTreeSet<usize>]) -> Vec<usize> {
    let mut way = vec![start];
    loop {
        let last = way[way.len() - 1];
        let Some(next) = waiting[last].first().copied() else { return way };
        if let Some(seen) = way.iter().position(|object| *object == next) {
            return way.split_off(seen);
        }
        way.push(next);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(group: &str, kind: &str, name: &str) -> ObjectId {
        ObjectId::new(&GroupKind::new(group, kind), "n", name)
    }

    #[test]
    fn an_owned_secret_waits_for_the_custom_resource_that_owns_it() {
        let ids = [id("", "Secret", "tls"), id("cert-manager.io", "Certificate", "c"), id("", "Secret", "free")];
        let (stages, broken) = stages(&ids, &[vec![1], vec![], vec![]]);
        assert_eq!(stages, [(Wave::Custom, 1), (Wave::Custom, 0), (Wave::Config, 0)]);
        assert_eq!(broken, []);
    }

    #[test]
    fn a_circle_is_broken_once_and_named() {
        let ids = [id("x.dev", "A", "after"), id("x.dev", "A", "one"), id("x.dev", "A", "two")];
        let (stages, broken) = stages(&ids, &[vec![1], vec![2], vec![1]]);
        assert_eq!(broken, [Broken { object: 1, owner: 2 }]);
        assert_eq!(stages, [(Wave::Custom, 1), (Wave::Custom, 0), (Wave::Custom, 1)]);
        let (_, own) = super::stages(&ids[..1], &[vec![0]]);
        assert_eq!(own, [Broken { object: 0, owner: 0 }], "an object can name itself");
    }

    proptest! {
        #[test]
        fn whatever_owns_whatever_owners_come_first(
            owners in proptest::collection::vec(proptest::collection::vec(0..12_usize, 0..4), 12),
            kinds in proptest::collection::vec(0..4_usize, 12),
        ) {
            let kinds: Vec<_> = kinds.iter().map(|k| [("", "Secret"), ("", "Pod"), ("x.dev", "A"), ("", "Namespace")][*k]).collect();
            let ids: Vec<_> = kinds.iter().enumerate().map(|(i, (group, kind))| id(group, kind, &i.to_string())).collect();
            let (stages, broken) = stages(&ids, &owners);
            for (object, owners) in owners.iter().enumerate() {
                prop_assert!(stages[object] >= wave(&ids[object].group_kind()));
                for owner in owners {
                    let dropped = broken.contains(&Broken { object, owner: *owner });
                    prop_assert!(stages[*owner] < stages[object] || dropped);
                }
            }
        }
    }
}
