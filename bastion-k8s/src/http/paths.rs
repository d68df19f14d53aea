//! URLs of kinds and objects.

use bastion_core::object::{Kind, Scope};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Left as they are: RFC 3986's unreserved characters, and `:`, which RBAC's names are full of.
const KEEP: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

pub(crate) fn encode(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, KEEP)
}

/// `/api/v1`, `/apis/apps/v1`.
pub(crate) fn version(group: &str, version: &str) -> String {
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

/// All objects of a kind, in one namespace or (`None`) everywhere.
pub(crate) fn collection(kind: &Kind, namespace: Option<&str>) -> String {
    let base = version(&kind.group, &kind.version);
    match namespace.filter(|_| kind.scope == Scope::Namespaced) {
        Some(namespace) => format!("{base}/namespaces/{}/{}", encode(namespace), kind.plural),
        None => format!("{base}/{}", kind.plural),
    }
}

/// One object.
pub(crate) fn object(kind: &Kind, namespace: &str, name: &str) -> String {
    let namespace = (!namespace.is_empty()).then_some(namespace);
    format!("{}/{}", collection(kind, namespace), encode(name))
}

/// Adds parameters to a path.
pub(crate) fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    for (i, (key, value)) in parameters.iter().enumerate() {
        out.push(if i == 0 { '?' } else { '&' });
        out.push_str(key);
        out.push('=');
        out.extend(utf8_percent_encode(value, KEEP));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_odd_names() {
        let role = Kind {
            group: "rbac.authorization.k8s.io".into(),
            version: "v1".into(),
            kind: "ClusterRole".into(),
            plural: "clusterroles".into(),
            scope: Scope::Cluster,
        };
        let base = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
        assert_eq!(object(&role, "", "system:node Ünit?#"), format!("{base}/system:node%20%C3%9Cnit%3F%23"));
        let cm = Kind {
            group: "".into(),
            version: "v1".into(),
            kind: "ConfigMap".into(),
            plural: "configmaps".into(),
            scope: Scope::Namespaced,
        };
        assert_eq!(object(&cm, "shop", "prices"), "/api/v1/namespaces/shop/configmaps/prices");
        assert_eq!(collection(&cm, None), "/api/v1/configmaps");
        let query = [("limit", "1"), ("labelSelector", "a in (b, c)")];
        assert_eq!(
            with_query(&collection(&cm, None), &query),
            "/api/v1/configmaps?limit=1&labelSelector=a%20in%20%28b%2C%20c%29"
        );
    }
}
