//! The one error of the crate: what failed, on which object or key, and whether trying again helps.
//!
//! Callers branch on [`Error::category`] and [`Error::retry`] rather than on variants, print an error once with
//! [`chain`], and find it as a [`Failure`] in reports:
//!
//! ```
//! use bastion_core::error::{Category, Error, Retry, chain};
//!
//! let error = Error::UnknownCluster { cluster: "prod".into(), known: vec!["staging".into()] };
//! assert_eq!(error.category(), Category::NotFound);
//! assert_eq!(error.retry(), Retry::OnceFixed);
//! assert_eq!(chain(&error), "the repository has no cluster \"prod\"; it has [\"staging\"]");
//! ```

use serde::{Serialize, Serializer};

pub use crate::failure::{Category, Cause, Failure, Retry, chain};
use crate::store::Key;

/// What the functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong in the engine.
///
/// `Display` names the object or the key and leaves its source out; print an error with [`chain`],
/// once, at the edge.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The storage failed.
    #[error("storage")]
    Store(#[from] crate::store::StoreError),
    /// A stored file does not hold what it must: torn, flipped, or not ours.
    #[error("{key} is damaged: {why}")]
    Corrupt {
        /// The damaged file.
        key: Key,
        /// What was found.
        why: String,
    },
    /// A stored file needs a newer Bastion: its header lists a feature that this one does not know.
    #[error("{key} needs a newer Bastion: it uses {features:?}")]
    UnknownFeature {
        /// The file that says so.
        key: Key,
        /// The features that are not known here.
        features: Vec<String>,
    },
    /// There is no repository at this place.
    #[error("there is no Bastion repository here (no bastion.json)")]
    NoRepository,
    /// There is a repository already.
    #[error("a Bastion repository already exists here (id {id})")]
    RepositoryExists {
        /// The id in its bastion.json.
        id: String,
    },
    /// The repository holds no log of that cluster.
    #[error("the repository has no cluster {cluster:?}; it has {known:?}")]
    UnknownCluster {
        /// What was asked for.
        cluster: String,
        /// What is there.
        known: Vec<String>,
    },
    /// The log belongs to another cluster than the one that is being backed up.
    #[error("log {name:?} belongs to the cluster with uid {logged}, but this cluster has uid {actual}")]
    WrongCluster {
        /// The cluster's name in the repository.
        name: String,
        /// uid of namespace kube-system, as the log has it.
        logged: String,
        /// uid of namespace kube-system, as the cluster says.
        actual: String,
    },
    /// Another writer of the same role has taken over; this one must stop for good.
    #[error("another writer of role {role:?} took over (epoch {theirs}, ours was {ours}); this one stops")]
    Fenced {
        /// The role that both have.
        role: String,
        /// Our epoch.
        ours: u64,
        /// The higher epoch that was read.
        theirs: u64,
    },
    /// One object cannot be read, cleaned or written; the run goes on without it.
    #[error("{id}: {why}")]
    Object {
        /// Which object.
        id: crate::object::ObjectId,
        /// What is wrong with it.
        why: String,
        /// The error beneath, where there is one.
        #[source]
        source: Option<Cause>,
    },
    /// The cluster could not be read.
    #[error("cluster")]
    Source(#[from] crate::source::SourceError),
    /// The cluster refused a write.
    #[error("restore")]
    Sink(#[from] crate::sink::SinkError),
    /// What the caller asked for cannot be done; says why and what could.
    #[error("{0}")]
    Invalid(String),
    /// The run was cancelled before it was done.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// What sort of failure this is.
    pub fn category(&self) -> Category {
        match self {
            Self::Store(e) => e.category(),
            Self::Source(e) => e.category(),
            Self::Sink(e) => e.category(),
            Self::Corrupt { .. } => Category::Corrupt,
            Self::UnknownFeature { .. } | Self::Invalid(_) | Self::WrongCluster { .. } | Self::Object { .. } => {
                Category::Invalid
            }
            Self::NoRepository | Self::UnknownCluster { .. } => Category::NotFound,
            Self::RepositoryExists { .. } | Self::Fenced { .. } => Category::Conflict,
            Self::Cancelled => Category::Cancelled,
        }
    }

    /// Whether trying again helps; its [`category`](Self::category) decides.
    ///
    /// Of a source that could not read only [`Category::Invalid`] is final: a cluster changes, so a conflict or a garbled
    /// answer says nothing about the next one.
    pub fn retry(&self) -> Retry {
        match (self, self.category()) {
            (Self::Source(_), Category::Conflict | Category::Corrupt | Category::Cancelled) => Retry::OnceFixed,
            (_, category) => category.retry(),
        }
    }

    /// Whether the same call may succeed in a moment without anyone changing anything: [`Retry::Soon`].
    pub fn is_retryable(&self) -> bool {
        self.retry() == Retry::Soon
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self::new(error.category(), error)
    }
}

/// As a [`Failure`]: `{"category": "denied", "message": "storage: access to log/1.seg was denied: 403"}`.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Failure::from(self).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn a_chain_says_everything_once() {
        let source = || "connection refused".into();
        let error = StoreError::Unavailable { key: "log/1.seg".into(), source: source() };
        insta::assert_snapshot!(chain(&Error::Store(error)), @"storage: the storage is unavailable (log/1.seg): connection refused");
        let id = crate::object::ObjectId::new(&crate::object::GroupKind::new("", "ConfigMap"), "shop", "a");
        let error = Error::Object { id, why: "connection refused".into(), source: Some(source()) };
        assert_eq!(chain(&error), error.to_string());
    }

    #[test]
    fn an_error_serializes_with_its_category_and_its_chain() {
        let error = Error::Store(StoreError::Denied { key: "log/1.seg".into(), source: "403".into() });
        insta::assert_snapshot!(
            serde_json::to_string(&error).unwrap(),
            @r#"{"category":"denied","message":"storage: access to log/1.seg was denied: 403"}"#
        );
    }
}
