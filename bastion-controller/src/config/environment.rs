//! Settings from environment variables: `BASTION_` and the key's path in capitals.

use serde_json::Value;

use super::error::ConfigError;

/// How a variable's text is read.
#[derive(Debug, Clone, Copy)]
enum Read {
    /// As it stands.
    Text,
    /// At commas.
    List,
    /// As `true`, `false` or a number.
    Scalar,
}

/// Every key that can be set so. `rules` cannot: it is a list of maps.
const KEYS: &[(&str, &[&str], Read)] = &[
    ("BASTION_REPO", &["repo"], Read::Text),
    ("BASTION_CLUSTER", &["cluster"], Read::Text),
    ("BASTION_CREATE_REPOSITORY", &["createRepository"], Read::Scalar),
    ("BASTION_TREE", &["tree"], Read::Scalar),
    ("BASTION_LISTEN", &["listen"], Read::Text),
    ("BASTION_SELECTION_MODE", &["selection", "mode"], Read::Text),
    ("BASTION_SELECTION_MARKER", &["selection", "marker"], Read::Text),
    ("BASTION_SELECTION_KINDS", &["selection", "kinds"], Read::List),
    ("BASTION_SELECTION_EXCLUDE_KINDS", &["selection", "excludeKinds"], Read::List),
    ("BASTION_SELECTION_NAMESPACES", &["selection", "namespaces"], Read::List),
    ("BASTION_SELECTION_EXCLUDE_NAMESPACES", &["selection", "excludeNamespaces"], Read::List),
    ("BASTION_SELECTION_LABELS", &["selection", "labels"], Read::Text),
    ("BASTION_SELECTION_ANNOTATIONS", &["selection", "annotations"], Read::Text),
    ("BASTION_SELECTION_EXCLUDE_OWNED_BY", &["selection", "excludeOwnedBy"], Read::List),
    ("BASTION_SELECTION_MAX_BYTES", &["selection", "maxBytes"], Read::Scalar),
    ("BASTION_SELECTION_PLAINTEXT_SECRETS", &["selection", "plaintextSecrets"], Read::Scalar),
    ("BASTION_SELECTION_POLICY", &["selection", "policy"], Read::Text),
    ("BASTION_LEADER_NAME", &["leader", "name"], Read::Text),
    ("BASTION_LEADER_NAMESPACE", &["leader", "namespace"], Read::Text),
    ("BASTION_LEADER_IDENTITY", &["leader", "identity"], Read::Text),
    ("BASTION_LEADER_DURATION", &["leader", "duration"], Read::Text),
    ("BASTION_LEADER_RENEW_DEADLINE", &["leader", "renewDeadline"], Read::Text),
    ("BASTION_LEADER_RETRY", &["leader", "retry"], Read::Text),
    ("BASTION_ENGINE_COMMIT_INTERVAL", &["engine", "commitInterval"], Read::Text),
    ("BASTION_ENGINE_POSITION_INTERVAL", &["engine", "positionInterval"], Read::Text),
    ("BASTION_ENGINE_COMPARE_INTERVAL", &["engine", "compareInterval"], Read::Text),
    ("BASTION_ENGINE_FLUSH_DEADLINE", &["engine", "flushDeadline"], Read::Text),
    ("BASTION_ENGINE_WORKERS_FLOOR", &["engine", "workers", "floor"], Read::Scalar),
    ("BASTION_ENGINE_WORKERS_CEILING", &["engine", "workers", "ceiling"], Read::Scalar),
    ("BASTION_ENGINE_QUEUE_OBJECTS", &["engine", "queueObjects"], Read::Scalar),
    ("BASTION_ENGINE_QUEUE_BYTES", &["engine", "queueBytes"], Read::Scalar),
    ("BASTION_ENGINE_BATCH_BYTES", &["engine", "batchBytes"], Read::Scalar),
    ("BASTION_ENGINE_INDEX_OBJECTS", &["engine", "indexObjects"], Read::Scalar),
    ("BASTION_ENGINE_BRAKE_SHARE", &["engine", "brake", "share"], Read::Scalar),
    ("BASTION_ENGINE_BRAKE_COUNT", &["engine", "brake", "count"], Read::Scalar),
    ("BASTION_LOG_FORMAT", &["log", "format"], Read::Text),
    ("BASTION_LOG_FILTER", &["log", "filter"], Read::Text),
    ("BASTION_KUBERNETES_KUBECONFIG", &["kubernetes", "kubeconfig"], Read::Text),
    ("BASTION_KUBERNETES_CONTEXT", &["kubernetes", "context"], Read::Text),
    ("BASTION_KUBERNETES_QPS", &["kubernetes", "qps"], Read::Scalar),
];

/// Read by the command line, not here.
const ELSEWHERE: &[&str] = &["BASTION_CONFIG"];

/// The variables that were set, by the key that each sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Variables(Vec<(String, &'static str)>);

impl Variables {
    /// The key as the person wrote it: with the variable, if one sets it.
    pub(super) fn spelled(&self, key: &str) -> String {
        self.beside(key, key)
    }

    /// The same in running text.
    pub(super) fn quoted(&self, key: &str) -> String {
        self.beside(key, &format!("`{key}`"))
    }

    fn beside(&self, key: &str, shown: &str) -> String {
        match self.0.iter().find(|(set, _)| set == key) {
            Some((_, variable)) => format!("{shown} ({variable})"),
            None => shown.to_owned(),
        }
    }
}

/// Puts the variables into the tree, over what the file says.
pub(super) fn apply(
    tree: &mut Value,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Variables, ConfigError> {
    let mut variables = Variables::default();
    for (name, text) in environment {
        if !name.starts_with("BASTION_") || ELSEWHERE.contains(&name.as_str()) || is_service_link(&name) {
            continue;
        }
        let Some((variable, path, read)) = KEYS.iter().find(|(key, ..)| *key == name) else {
            let known = KEYS.iter().map(|(key, ..)| *key).collect::<Vec<_>>().join(", ");
            return Err(ConfigError::UnknownVariable { name, known });
        };
        set(tree, path, value(*read, &text));
        variables.0.push((path.join("."), variable));
    }
    Ok(variables)
}

/// Kubernetes itself puts such variables into a pod for every Service beside it, one named `bastion` too.
fn is_service_link(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || name.contains("_PORT_")
}

/// The keys and their variables, for the test of the documentation.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = (String, &'static str)> {
    KEYS.iter().map(|(variable, path, _)| (path.join("."), *variable))
}

fn value(read: Read, text: &str) -> Value {
    match read {
        Read::Text => Value::from(text),
        Read::List => text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect(),
        // What is neither stays text, and the error then names the key and what it wants.
        Read::Scalar => serde_json::from_str(text.trim()).unwrap_or_else(|_| Value::from(text)),
    }
}

fn set(tree: &mut Value, path: &[&str], value: Value) {
    let mut at = tree;
    for key in path {
        if !at.is_object() {
            *at = Value::Object(serde_json::Map::new());
        }
        at = &mut at[*key];
    }
    *at = value;
}
