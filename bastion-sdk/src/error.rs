//! The one error of the crate.

use bastion_core::{Category, error::Cause, object::ObjectId, store::StoreError};

use crate::{
    missing::Missing,
    spec::{SpecError, Spelling},
};

/// What the functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong between a spec and a finished backup or restore.
///
/// `Display` leaves the source out: whoever prints an error prints the [chain](crate::core::error::chain), once, and
/// [`remedy`](crate::remedy::remedy) beneath it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A spec cannot be.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The engine, the repository, or the cluster seen through them.
    #[error(transparent)]
    Core(#[from] bastion_core::Error),
    /// The API server, or the way to it.
    #[cfg(feature = "k8s")]
    #[error(transparent)]
    Kubernetes(#[from] bastion_k8s::Error),
    /// The process around it could not be set up.
    #[cfg(feature = "process")]
    #[error(transparent)]
    Process(#[from] crate::process::ProcessError),
    /// The repository holds several clusters, and nothing says which one is meant.
    #[error("which cluster? The repository has {}", .known.join(", "))]
    AmbiguousCluster {
        /// Their names.
        known: Vec<String>,
    },
    /// The cluster is new to the repository, and nothing says what to call it.
    #[error("the cluster needs a name: it is new to the repository")]
    UnnamedCluster,
    /// The cluster is new to the repository, and the name of its context, which it would get, is another cluster's.
    #[error(
        "this cluster (uid {uid}) is new to the repository, and the name of its context, {name:?}, is that of another \
         cluster there (uid {logged}); nothing was written"
    )]
    ContextNameTaken {
        /// uid of its namespace kube-system.
        uid: String,
        /// The name of its context.
        name: String,
        /// uid of the cluster that has this name in the repository.
        logged: String,
    },
    /// The cluster has a log, so it cannot take over another one.
    #[error("nothing to adopt: this cluster (uid {uid}) has the log {known:?} already")]
    NothingToAdopt {
        /// uid of its namespace kube-system.
        uid: String,
        /// Its name in the repository.
        known: String,
    },
    /// No log of this name is there to be adopted.
    #[error("the repository has no log {name:?}; it has {}", if .known.is_empty() { "none".to_owned() } else { .known.join(", ") })]
    UnknownLog {
        /// What was asked for.
        name: String,
        /// The logs that it has.
        known: Vec<String>,
    },
    /// The repository knows the cluster under another name than the one that was asked for.
    #[error("this cluster (uid {uid}) is {known:?} in the repository, not {asked:?}; nothing was written")]
    OtherName {
        /// uid of its namespace kube-system.
        uid: String,
        /// Its name in the repository.
        known: String,
        /// The name that was asked for.
        asked: String,
    },
    /// A name for one object means several.
    #[error("{word:?} is ambiguous: {}", list(.found))]
    AmbiguousObject {
        /// What was asked for: `deployment/web`.
        word: String,
        /// What it means.
        found: Vec<ObjectId>,
    },
    /// What was asked for is not there.
    #[error("{what}")]
    NothingMatched {
        /// What.
        what: Missing,
    },
    /// The content of an object is not what it should be.
    #[error("{object} cannot be read")]
    Unreadable {
        /// Which object.
        object: String,
        /// What is wrong with it.
        #[source]
        source: Cause,
    },
}

fn list(ids: &[ObjectId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Error {
    /// The same error; that of a spec names its key as the person wrote it.
    #[must_use]
    pub fn spelled(self, spelling: Spelling<'_>) -> Self {
        match self {
            Self::Spec(e) => Self::Spec(e.spelled(spelling)),
            other => other,
        }
    }

    /// What sort of failure this is.
    pub fn category(&self) -> Category {
        match self {
            Self::Core(e) => e.category(),
            #[cfg(feature = "k8s")]
            Self::Kubernetes(e) => e.category(),
            Self::Spec(_)
            | Self::AmbiguousCluster { .. }
            | Self::UnnamedCluster
            | Self::OtherName { .. }
            | Self::ContextNameTaken { .. }
            | Self::NothingToAdopt { .. }
            | Self::AmbiguousObject { .. } => Category::Invalid,
            Self::NothingMatched { .. } | Self::UnknownLog { .. } => Category::NotFound,
            #[cfg(feature = "process")]
            Self::Process(_) => Category::Other,
            Self::Unreadable { .. } => Category::Other,
        }
    }

    /// Whether the same call may succeed later without anyone changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Core(e) => e.is_retryable(),
            #[cfg(feature = "k8s")]
            Self::Kubernetes(e) => e.is_retryable(),
            _ => false,
        }
    }
}

impl From<Missing> for Error {
    fn from(what: Missing) -> Self {
        Self::NothingMatched { what }
    }
}

impl From<StoreError> for Error {
    fn from(e: StoreError) -> Self {
        Self::Core(e.into())
    }
}

impl From<bastion_core::source::SourceError> for Error {
    fn from(e: bastion_core::source::SourceError) -> Self {
        Self::Core(e.into())
    }
}

impl From<bastion_core::sink::SinkError> for Error {
    fn from(e: bastion_core::sink::SinkError) -> Self {
        Self::Core(e.into())
    }
}
