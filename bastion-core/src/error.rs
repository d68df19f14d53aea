//! The one error of the crate: what failed, on which object or key, and whether trying again helps.

use crate::store::Key;

/// What the functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A cause from below (a store's transport, a parser), kept for the chain that is printed once at the edge.
pub type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Everything that can go wrong in the engine.
///
/// `Display` names the object or the key and leaves its source out; whoever prints an error prints the
/// chain, once.
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
    #[error("there is a Bastion repository here already (id {id})")]
    RepositoryExists {
        /// The id in its bastion.json.
        id: String,
    },
    /// The repository holds no log of that cluster.
    #[error("the repository holds nothing of cluster {cluster:?}; it knows {known:?}")]
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

/// The error and everything beneath it, on one line: `a: b: c`. A cause that only repeats what was said is
/// left out.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut last = text.clone();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !said.is_empty() && !last.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
            last = said;
        }
        next = cause.source();
    }
    text
}

/// A stable word for metrics and exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Category {
    /// The request itself is wrong.
    Invalid,
    /// Something that was asked for does not exist.
    NotFound,
    /// Credentials are missing, wrong or not enough.
    Denied,
    /// The other side is busy or away; later it may work.
    Unavailable,
    /// Stored bytes are not what they must be.
    Corrupt,
    /// Somebody else was faster or has taken over.
    Conflict,
    /// Stopped on request.
    Cancelled,
    /// Everything else.
    Other,
}

impl Category {
    /// The word, lower case, as it stands in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
            Self::Conflict => "conflict",
            Self::Cancelled => "cancelled",
            Self::Other => "other",
        }
    }
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

    /// Whether the same call may succeed later without anyone changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(e) => e.is_retryable(),
            Self::Source(e) => e.is_retryable(),
            Self::Sink(e) => e.is_retryable(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
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
}
