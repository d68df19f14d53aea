//! How the keys of specs are written on the command line.

/// The flag for a key of a spec.
pub(crate) fn flag(key: &str) -> String {
    // Of a list (`rules[0].drop`), each value has the same flag.
    let key = match (key.find('['), key.find(']')) {
        (Some(from), Some(to)) if from < to => &*format!("{}{}", &key[..from], &key[to + 1..]),
        _ => key,
    };
    match key {
        "repository.url" => "--repo",
        "cluster.name" => "--cluster",
        "cluster.kubeconfig" => "--kubeconfig",
        "cluster.context" => "--context",
        "selection.kinds" => "--kinds",
        "selection.namespaces" => "--namespace",
        "selection.excludeNamespaces" => "--exclude-namespaces",
        "selection.plaintextSecrets" => "--plaintext-secrets",
        "selection.policy" => "--policy",
        "rules.kind" | "rules.drop" => "--drop",
        "engine.commitInterval" => "--commit-interval",
        "objects.namespace" => "-n",
        "objects.objects" => "OBJECT",
        "at" => "--at",
        "namespaces" => "--map-namespace",
        "wait" => "--wait",
        other => other,
    }
    .to_owned()
}
