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
        key: String,
        /// The same key as the person wrote it.
        written: String,
        /// What is wrong with the value.
        why: String,
    },
    /// The selection.
    #[error("{written}")]
    Selection {
        /// What is wrong with it.
        error: SelectionError,
        /// The message, with the keys as the person wrote them.
        written: String,
    },
}

impl SpecError {
    /// The value of `key`, a path such as `repository.url`, is wrong, and why.
    pub fn new(key: impl Into<String>, why: impl Into<String>) -> Self {
        let key = key.into();
        Self::Value { written: key.clone(), key, why: why.into() }
    }

    /// The error of a spec that stands in another one, at `key`.
    pub(super) fn within(self, parent: &str) -> Self {
        match self {
            Self::Value { key, why, .. } => Self::new(format!("{parent}.{key}"), why),
            other => other,
        }
    }

    /// The same error, printed with the key as the person wrote it.
    #[must_use]
    pub fn spelled(self, spelling: Spelling<'_>) -> Self {
        match self {
            Self::Value { key, why, .. } => Self::Value { written: spelling(&key), key, why },
            Self::Selection { error, .. } => {
                let written = error.written(|key| spelling(&format!("selection.{key}")));
                Self::Selection { error, written }
            }
        }
    }
}

impl From<SelectionError> for SpecError {
    fn from(error: SelectionError) -> Self {
        let written = error.written(|key| format!("selection.{key}"));
        Self::Selection { error, written }
    }
}
