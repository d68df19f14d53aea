//! What is wrong with a spec, and where.

use bastion_core::select::SelectionError;

/// How the keys of a spec are written where the person wrote them: `selection.namespaces` is `--namespace` on a
/// command line and `BASTION_SELECTION_NAMESPACES` in an environment.
pub type Spelling<'a> = &'a dyn Fn(&str) -> String;

/// A value of a spec that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// The value of a key.
    #[error("{written}: {why}")]
    Value {
        /// The key of the spec: `repository.url`.
        key: &'static str,
        /// The same key as the person wrote it.
        written: String,
        /// What is wrong with the value.
        why: String,
    },
    /// The selection; the error names its key itself.
    #[error(transparent)]
    Selection(#[from] SelectionError),
}

impl SpecError {
    /// The value of `key`, a path such as `repository.url`, is wrong, and why.
    pub fn new(key: &'static str, why: impl Into<String>) -> Self {
        Self::Value { key, written: key.to_owned(), why: why.into() }
    }

    /// The same error, printed with the key as the person wrote it.
    #[must_use]
    pub fn spelled(self, spelling: Spelling<'_>) -> Self {
        match self {
            Self::Value { key, why, .. } => Self::Value { key, written: spelling(key), why },
            other => other,
        }
    }
}
