//! Names of kinds, for when there is no API server to ask.

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

/// Short names of a built-in kind.
pub(super) fn short_names(group: &str, kind: &str) -> impl Iterator<Item = &'static str> {
    SHORT.iter().filter(move |entry| (entry.1, entry.2) == (group, kind)).map(|entry| entry.0)
}

/// Plurals of the built-in kinds that people name most, for completion.
pub fn built_in_plurals() -> impl Iterator<Item = String> {
    SHORT.iter().map(|(_, _, kind)| plural(&kind.to_lowercase()))
}

/// The resource name that Kubernetes' own tools derive from a kind in lower case.
pub(super) fn plural(lower: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

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
