//! Names of objects: kinds, ids, resourceVersions.
//!
//! ```
//! use bastion_core::object::{GroupKind, ObjectId};
//!
//! let kind = GroupKind::new("apps", "Deployment");
//! let id = ObjectId::new(&kind, "shop", "web");
//! assert_eq!(id.to_string(), "Deployment.apps shop/web");
//! ```

use std::{cmp::Ordering, fmt, sync::Arc};

/// Group and kind, without the API version: the same for every version that the kind is served in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKind {
    /// API group; empty for the core group.
    pub group: Arc<str>,
    /// Kind, for example `ConfigMap`.
    pub kind: Arc<str>,
}

impl GroupKind {
    /// Names a kind; `group` is empty for the core group.
    pub fn new(group: impl Into<Arc<str>>, kind: impl Into<Arc<str>>) -> Self {
        Self { group: group.into(), kind: kind.into() }
    }
}

impl fmt::Display for GroupKind {
    /// `ConfigMap`, `Certificate.cert-manager.io`: kubectl's spelling.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() { f.write_str(&self.kind) } else { write!(f, "{}.{}", self.kind, self.group) }
    }
}

/// Whether objects of a kind live in namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// One in the whole cluster, like a `Namespace`.
    Cluster,
    /// In a namespace, like a `ConfigMap`.
    Namespaced,
}

/// A kind as an API server serves it: what it takes to list, watch or write its objects.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind {
    /// API group; empty for the core group.
    pub group: Arc<str>,
    /// The version that is read: for custom resources the storage version where it is served.
    pub version: Arc<str>,
    /// Kind, for example `ConfigMap`.
    pub kind: Arc<str>,
    /// Resource name in URLs, for example `configmaps`.
    pub plural: Arc<str>,
    /// Whether its objects live in namespaces.
    pub scope: Scope,
}

impl Kind {
    /// `v1`, `apps/v1`: what stands in an object's `apiVersion`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The kind without its version.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind { group: self.group.clone(), kind: self.kind.clone() }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.group_kind().fmt(f)
    }
}

/// Which object: group, kind, namespace, name. Neither the API version nor the uid is part of it: an object that
/// was deleted and created again continues the same history, under another uid.
///
/// Ordered by group, kind, namespace, name, as bytes: the order of index files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectId {
    /// API group; empty for the core group.
    pub group: Arc<str>,
    /// Kind.
    pub kind: Arc<str>,
    /// Namespace; empty for objects of the cluster itself.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
}

impl Ord for ObjectId {
    fn cmp(&self, other: &Self) -> Ordering {
        // Ids of one kind share these texts.
        let compare = |a: &Arc<str>, b: &Arc<str>| if Arc::ptr_eq(a, b) { Ordering::Equal } else { a.cmp(b) };
        compare(&self.group, &other.group)
            .then_with(|| compare(&self.kind, &other.kind))
            .then_with(|| compare(&self.namespace, &other.namespace))
            .then_with(|| self.name.cmp(&other.name))
    }
}

impl PartialOrd for ObjectId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl ObjectId {
    /// An id of this kind; `namespace` is empty for objects of the cluster itself.
    pub fn new(kind: &GroupKind, namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { group: kind.group.clone(), kind: kind.kind.clone(), namespace: namespace.into(), name: name.into() }
    }

    /// Group and kind of the object.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind { group: self.group.clone(), kind: self.kind.clone() }
    }
}

impl fmt::Display for ObjectId {
    /// `ConfigMap shop/prices`, `Namespace shop`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.group_kind())?;
        if self.namespace.is_empty() { f.write_str(&self.name) } else { write!(f, "{}/{}", self.namespace, self.name) }
    }
}

/// A resourceVersion as the API server gave it.
///
/// Opaque text by Kubernetes' contract. Every real API server gives etcd's revision, a number: then two states of
/// an object can be ordered by it. Where it is not a number, the order of the log and full lists decide.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ResourceVersion(Arc<str>);

impl ResourceVersion {
    /// Wraps what the API server said.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number, where it is one.
    pub fn number(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The number, where the text is exactly how that number is written, so that nothing is lost by keeping it
    /// instead.
    pub(crate) fn exact_number(&self) -> Option<u64> {
        self.number().filter(|n| itoa::Buffer::new().format(*n) == &*self.0)
    }

    /// Whether there is none at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<u64> for ResourceVersion {
    fn from(n: u64) -> Self {
        Self(n.to_string().into())
    }
}

impl fmt::Display for ResourceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
