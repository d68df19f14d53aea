use crate::{manifest::ManifestError, object::GroupKind};

/// Why the memory cluster refuses an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// It is not valid JSON of an object.
    #[error("not an object")]
    Manifest(#[from] ManifestError),
    /// It has no apiVersion, kind or name.
    #[error("an object needs apiVersion, kind and metadata.name")]
    Unnamed,
    /// The cluster does not serve such objects.
    #[error("the cluster has no kind {0}")]
    UnknownKind(GroupKind),
    /// Its namespace does not exist.
    #[error("namespace {0:?} does not exist")]
    NoNamespace(String),
    /// A namespace stands where none belongs, or is missing.
    #[error("{0} has a namespace but is cluster-scoped, or has none but is namespaced")]
    WrongScope(GroupKind),
    /// What is to be created already has a resourceVersion.
    #[error("resourceVersion must not be set on a new object")]
    ResourceVersionSet,
}
