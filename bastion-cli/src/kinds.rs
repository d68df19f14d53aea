//! Kinds as people write them: `cm`, `configmaps`, `ConfigMap`, `certificates.cert-manager.io`,
//! `deployments.v1.apps`.
//!
//! A repository is read without a cluster, and records carry group and kind only: so plurals are derived and
//! short names of the built-in kinds are known here; those of custom resources come from the stored CRDs.

use std::fmt;

use bastion_core::object::GroupKind;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::error::{CliError, Result};

/// A kind as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KindWord {
    /// Kind, plural, singular or short name, lower case.
    name: String,
    /// Group, where one was written.
    group: Option<String>,
    written: String,
}

impl KindWord {
    /// Reads a word; whether there is such a kind turns out when it is looked for.
    pub(crate) fn parse(word: &str) -> Result<Self> {
        let word = word.trim();
        if word.is_empty() {
            return Err(CliError::Usage("an empty word is no kind".to_owned()));
        }
        let (name, group) = match word.split_once('.') {
            Some((name, group)) => (name, Some(without_version(group).to_lowercase())),
            None => (word, None),
        };
        Ok(Self { name: name.to_lowercase(), group, written: word.to_owned() })
    }

    /// Whether it means that kind.
    pub(crate) fn matches(&self, kind: &GroupKind) -> bool {
        if self.group.as_deref().is_some_and(|g| g != kind.group.as_ref()) {
            return false;
        }
        let lower = kind.kind.to_lowercase();
        self.name == lower || self.name == plural(&lower) || short_names(kind).any(|s| s == self.name)
    }

    /// How much it looks like one of the kind's names: 1 is the same.
    pub(crate) fn likeness(&self, kind: &GroupKind) -> f32 {
        let lower = kind.kind.to_lowercase();
        let many = plural(&lower);
        let like = |name: &str| similar::TextDiff::from_chars(&*self.name, name).ratio();
        short_names(kind).map(like).fold(like(&lower).max(like(&many)), f32::max)
    }

    /// Whether it means a kind that has these names (of a CRD).
    pub(crate) fn matches_names<'a>(&self, group: &str, names: impl IntoIterator<Item = &'a str>) -> bool {
        self.group.as_deref().is_none_or(|g| g == group)
            && names.into_iter().any(|n| n.eq_ignore_ascii_case(&self.name))
    }
}

impl fmt::Display for KindWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// `v1.apps` → `apps`; a group alone stays as it is.
fn without_version(group: &str) -> &str {
    match group.split_once('.') {
        Some((first, rest)) if is_version(first) => rest,
        None if is_version(group) => "",
        _ => group,
    }
}

fn is_version(word: &str) -> bool {
    let Some(rest) = word.strip_prefix('v') else { return false };
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    digits.len() < rest.len() && ["", "alpha", "beta"].contains(&digits.trim_end_matches(|c: char| c.is_ascii_digit()))
}

/// The resource name that Kubernetes' own tools derive from a kind.
fn plural(lower: &str) -> String {
    if lower == "endpoints" {
        return lower.to_owned();
    }
    let vowel_before_y = lower.chars().rev().nth(1).is_some_and(|c| "aeiou".contains(c));
    if lower.ends_with('y') && !vowel_before_y {
        format!("{}ies", &lower[..lower.len() - 1])
    } else if ["s", "x", "z", "ch", "sh"].iter().any(|end| lower.ends_with(end)) {
        format!("{lower}es")
    } else {
        format!("{lower}s")
    }
}

/// Short names of the built-in kinds, as `kubectl api-resources` shows them.
const SHORT: &[(&str, &str, &str)] = &[
    ("cm", "", "ConfigMap"),
    ("ep", "", "Endpoints"),
    ("ev", "", "Event"),
    ("limits", "", "LimitRange"),
    ("ns", "", "Namespace"),
    ("no", "", "Node"),
    ("pvc", "", "PersistentVolumeClaim"),
    ("pv", "", "PersistentVolume"),
    ("po", "", "Pod"),
    ("rc", "", "ReplicationController"),
    ("quota", "", "ResourceQuota"),
    ("sa", "", "ServiceAccount"),
    ("svc", "", "Service"),
    ("crd", "apiextensions.k8s.io", "CustomResourceDefinition"),
    ("crds", "apiextensions.k8s.io", "CustomResourceDefinition"),
    ("ds", "apps", "DaemonSet"),
    ("deploy", "apps", "Deployment"),
    ("rs", "apps", "ReplicaSet"),
    ("sts", "apps", "StatefulSet"),
    ("hpa", "autoscaling", "HorizontalPodAutoscaler"),
    ("cj", "batch", "CronJob"),
    ("csr", "certificates.k8s.io", "CertificateSigningRequest"),
    ("ing", "networking.k8s.io", "Ingress"),
    ("netpol", "networking.k8s.io", "NetworkPolicy"),
    ("pdb", "policy", "PodDisruptionBudget"),
    ("pc", "scheduling.k8s.io", "PriorityClass"),
    ("sc", "storage.k8s.io", "StorageClass"),
];

fn short_names(kind: &GroupKind) -> impl Iterator<Item = &'static str> {
    SHORT
        .iter()
        .filter(move |(_, group, name)| *group == kind.group.as_ref() && *name == kind.kind.as_ref())
        .map(|(short, _, _)| *short)
}

/// The kind in front of a name, as `-o name` prints it: `deployment.apps`, `configmap`.
pub(crate) fn name_prefix(kind: &GroupKind) -> String {
    kind.to_string().to_lowercase()
}

/// Completes the built-in kinds; those of custom resources need the repository and are typed.
pub(crate) fn completer() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        SHORT.iter().map(|(_, _, kind)| CompletionCandidate::new(plural(&kind.to_lowercase()))).collect()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_kind_goes_by_many_names() {
        let deployment = GroupKind::new("apps", "Deployment");
        for word in [
            "deploy",
            "deployment",
            "deployments",
            "Deployment",
            "deployments.apps",
            "Deployment.v1.apps",
            "deploy.apps",
        ] {
            assert!(KindWord::parse(word).unwrap().matches(&deployment), "{word}");
        }
        for word in ["deployments.extensions", "deployment.v1", "deploys", "deployments.v1.apps.example"] {
            assert!(!KindWord::parse(word).unwrap().matches(&deployment), "{word}");
        }
        let core = GroupKind::new("", "ConfigMap");
        for word in ["cm", "ConfigMap", "configmaps", "configmaps.v1"] {
            assert!(KindWord::parse(word).unwrap().matches(&core), "{word}");
        }
    }

    #[test]
    fn plurals_follow_the_rule_of_kubernetes() {
        for (one, many) in [
            ("ingress", "ingresses"),
            ("networkpolicy", "networkpolicies"),
            ("gateway", "gateways"),
            ("endpoints", "endpoints"),
            ("prometheus", "prometheuses"),
            ("configmap", "configmaps"),
        ] {
            assert_eq!(plural(one), many);
        }
    }
}
