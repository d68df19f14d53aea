//! From what is served and what is selected to the kinds that are followed: pure.

use std::collections::BTreeSet;

use bastion_core::{
    object::{GroupKind, Kind},
    select::{KindWord, Selection},
};

use crate::discovery::{Resource, Served, crds::Crds};

/// Kinds to follow, kinds that are not, and names that mean nothing here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    pub(crate) followed: Vec<Kind>,
    pub(crate) skipped: Vec<(GroupKind, String)>,
    pub(crate) unknown: Vec<(String, Vec<String>)>,
}

/// Group and kind.
type Name = (&'static str, &'static str);

/// Kinds whose content changes all day by itself, and nobody restores them.
const RESTLESS: [Name; 5] = [
    ("", "Event"),
    ("events.k8s.io", "Event"),
    ("", "Endpoints"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("coordination.k8s.io", "Lease"),
];

/// The same objects under two groups: the first is left out where the second is served.
const TWINS: [(Name, Name); 7] = [
    (("events.k8s.io", "Event"), ("", "Event")),
    (("extensions", "Ingress"), ("networking.k8s.io", "Ingress")),
    (("project.openshift.io", "Project"), ("", "Namespace")),
    (("authorization.openshift.io", "Role"), ("rbac.authorization.k8s.io", "Role")),
    (("authorization.openshift.io", "RoleBinding"), ("rbac.authorization.k8s.io", "RoleBinding")),
    (("authorization.openshift.io", "ClusterRole"), ("rbac.authorization.k8s.io", "ClusterRole")),
    (("authorization.openshift.io", "ClusterRoleBinding"), ("rbac.authorization.k8s.io", "ClusterRoleBinding")),
];

const NEEDED: [&str; 2] = ["list", "watch"];

/// Decides kind by kind.
pub(crate) fn plan(selection: &Selection, served: &Served, crds: &Crds) -> Plan {
    let wanted = &selection.kinds;
    let mut plan = Plan::default();
    let mut seen = BTreeSet::new();
    for resource in &served.resources {
        let kind = resource.group_kind();
        if !selection.takes_kind_by(&kind, resource.scope(), |word| resource.is_meant_by(word)) {
            continue;
        }
        let named = wanted.iter().any(|word| resource.is_meant_by(word));
        // Reviews and bindings are questions and orders: nothing is stored that could be missed.
        if !named && resource.versions_with(&["list"]).next().is_none() {
            continue;
        }
        match (reason_against(selection, resource, named, served), version(resource, crds)) {
            (Some(why), _) => plan.skipped.push((kind, why)),
            (None, None) => plan.skipped.push((kind, "cannot be listed and watched".into())),
            (None, Some(_)) if !seen.insert(kind.clone()) => {
                plan.skipped
                    .push((kind, format!("{} is another name for a kind that is already followed", resource.plural)));
            }
            (None, Some(version)) => plan.followed.push(resource.kind_in(version)),
        }
    }
    plan.followed.sort();
    plan.skipped.sort();
    for word in wanted {
        if !served.resources.iter().any(|r| r.is_meant_by(word)) {
            plan.unknown.push((word.to_string(), near(word, &served.resources)));
        }
    }
    plan
}

/// Names of resources that look like the word, the nearest first, five at most.
fn near(word: &KindWord, resources: &[Resource]) -> Vec<String> {
    let mut near: Vec<(usize, String)> = resources
        .iter()
        .filter_map(|r| Some((word.distance_to([&r.plural, &r.singular, &r.kind].map(String::as_str))?, r.full_name())))
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(5).map(|(_, name)| name).collect()
}

fn is(resource: &Resource, (group, kind): (&str, &str)) -> bool {
    resource.group == group && resource.kind == kind
}

fn reason_against(selection: &Selection, resource: &Resource, named: bool, served: &Served) -> Option<String> {
    let twin = TWINS.iter().find(|(second, _)| is(resource, *second)).map(|(_, first)| *first);
    if let Some(first) = twin
        && served.resources.iter().any(|r| is(r, first))
    {
        let first = GroupKind::new(first.0, first.1);
        return Some(format!("it has the same objects as {first}"));
    }
    if RESTLESS.iter().any(|r| is(resource, *r)) && !named {
        return Some("changes all the time by itself; name it explicitly to follow it".into());
    }
    if is(resource, ("", "Secret")) && !selection.plaintext_secrets {
        return Some("would be stored unencrypted; allow that with --plaintext-secrets".into());
    }
    None
}

/// The version to read: the CRD's storage version where it is served, since another one prunes fields that
/// only the storage version has; else the preferred.
fn version<'a>(resource: &'a Resource, crds: &Crds) -> Option<&'a str> {
    let stored = crds.get(&resource.full_name()).and_then(|crd| crd.storage.as_deref());
    let mut usable = resource.versions_with(&NEEDED);
    let preferred = usable.next();
    if preferred == stored { preferred } else { usable.find(|v| Some(*v) == stored).or(preferred) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use bastion_core::select::SelectionError;

    use crate::discovery::crds::Crd;

    fn resource(group: &str, kind: &str, plural: &str, namespaced: bool, versions: &[&str]) -> Resource {
        let verbs = ["get", "list", "watch"].map(String::from).to_vec();
        Resource {
            group: group.into(),
            kind: kind.into(),
            plural: plural.into(),
            singular: kind.to_ascii_lowercase(),
            short_names: vec![],
            namespaced,
            versions: versions.iter().map(|v| (v.to_string(), verbs.clone())).collect(),
        }
    }

    fn cluster() -> Served {
        let mut review = resource("authentication.k8s.io", "TokenReview", "tokenreviews", false, &["v1"]);
        review.versions[0].1 = vec!["create".into()];
        let mut metrics = resource("metrics.k8s.io", "PodMetrics", "pods", true, &["v1beta1"]);
        metrics.versions[0].1 = vec!["get".into(), "list".into()];
        let resources = vec![
            resource("", "ConfigMap", "configmaps", true, &["v1"]),
            resource("", "Secret", "secrets", true, &["v1"]),
            resource("", "Namespace", "namespaces", false, &["v1"]),
            resource("", "Node", "nodes", false, &["v1"]),
            resource("", "Event", "events", true, &["v1"]),
            resource("events.k8s.io", "Event", "events", true, &["v1"]),
            resource("coordination.k8s.io", "Lease", "leases", true, &["v1"]),
            resource("example.org", "Widget", "widgets", true, &["v2", "v1"]),
            review,
            metrics,
        ];
        Served { resources, failed: [("dead.example.org".to_owned(), "away".to_owned())].into() }
    }

    fn shown(selection: &Selection) -> String {
        let crd = Crd { storage: Some("v1".into()), ..Crd::default() };
        let plan = plan(selection, &cluster(), &[("widgets.example.org".to_owned(), crd)].into());
        let followed: Vec<_> = plan.followed.iter().map(|k| format!("{k}@{}", k.version)).collect();
        let skipped: Vec<_> = plan.skipped.iter().map(|(k, why)| format!("{k}: {why}")).collect();
        format!("{}\n{}", followed.join(" "), skipped.join("\n"))
    }

    fn selection(kinds: &[&str]) -> Selection {
        kinds.iter().fold(Selection::all(), |selection, kind| selection.kind(kind.parse().unwrap()))
    }

    #[test]
    fn everything_leaves_out_what_is_restless_secret_or_served_twice() {
        insta::assert_snapshot!(shown(&selection(&[])), @r"
        ConfigMap@v1 Namespace@v1 Node@v1 Widget.example.org@v1
        Event: changes all the time by itself; name it explicitly to follow it
        Secret: would be stored unencrypted; allow that with --plaintext-secrets
        Lease.coordination.k8s.io: changes all the time by itself; name it explicitly to follow it
        Event.events.k8s.io: it has the same objects as Event
        PodMetrics.metrics.k8s.io: cannot be listed and watched
        ");
    }

    #[test]
    fn what_is_named_is_followed_once() {
        insta::assert_snapshot!(shown(&selection(&["events", "leases"])), @r"
        Event@v1 Lease.coordination.k8s.io@v1
        Event.events.k8s.io: it has the same objects as Event
        ");
    }

    #[test]
    fn a_namespace_is_backed_up_with_itself() {
        let mut shop = selection(&["cm", "ns", "no", "configmaps"]).namespace("shop");
        insta::assert_snapshot!(shown(&shop), @"ConfigMap@v1");
        shop.kinds.clear();
        assert!(shown(&shop).starts_with("ConfigMap@v1 Namespace@v1 Widget.example.org@v1\n"));
    }

    #[test]
    fn a_misspelt_kind_gets_its_neighbours() {
        let all = [
            resource("", "ConfigMap", "configmaps", true, &[]),
            resource("apps", "Deployment", "deployments", true, &[]),
            resource("cert-manager.io", "Certificate", "certificates", true, &[]),
            resource("cert-manager.io", "CertificateRequest", "certificaterequests", true, &[]),
        ];
        let near = |name: &str| near(&name.parse().unwrap(), &all);
        assert_eq!(near("deploymnets"), ["deployments.apps"]);
        assert_eq!(near("certificat"), ["certificates.cert-manager.io", "certificaterequests.cert-manager.io"]);
        assert_eq!(near("zzz"), Vec::<String>::new());
    }

    #[test]
    fn secrets_need_a_word_and_unknown_kinds_get_help() {
        assert!(matches!(selection(&["Secret"]).check(), Err(SelectionError::SecretsInTheClear)));
        let allowed = selection(&["Secret"]).plaintext_secrets();
        allowed.check().unwrap();
        assert!(shown(&allowed).starts_with("Secret@v1"));
        let plan = plan(&selection(&["widget", "widgest"]), &cluster(), &Crds::new());
        assert_eq!(plan.followed[0].version.as_ref(), "v2", "without its CRD the preferred version");
        assert_eq!(plan.unknown, [("widgest".to_owned(), vec!["widgets.example.org".to_owned()])]);
    }
}
