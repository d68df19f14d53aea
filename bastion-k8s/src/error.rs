//! The one error of the crate: what was being done, to what, and what a person can do about it.

use bastion_core::{
    error::{Category, Cause},
    select::SelectionError,
    sink::SinkError,
    source::SourceError,
};

/// What the functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong between Bastion and an API server.
///
/// `Display` leaves its source out; whoever prints an error prints the chain, once. No variant carries
/// content of an object.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No usable kubeconfig, or the context is not in it.
    #[error("{what}")]
    Config {
        /// What was looked for, and what to do.
        what: String,
        /// What the loader said.
        #[source]
        source: Option<Cause>,
    },
    /// The API server does not know who we are.
    #[error("{doing}: the API server rejected the credentials (401); check the user of the context")]
    Unauthorized {
        /// What was being done.
        doing: String,
    },
    /// The credentials do not allow it.
    #[error("{doing}: forbidden; {grant}")]
    Forbidden {
        /// What was being done.
        doing: String,
        /// Which right is missing.
        grant: String,
    },
    /// A kind that was asked for is not served.
    #[error("the cluster has no kind {name:?}{}", near_hint(.near))]
    UnknownKind {
        /// What was asked for.
        name: String,
        /// Names that look like it.
        near: Vec<String>,
    },
    /// The selection cannot be followed.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The object, or the path to it, is not there.
    #[error("{doing}: not found ({message})")]
    NotFound {
        /// What was being done.
        doing: String,
        /// What the API server said.
        message: String,
    },
    /// It changed, or already exists.
    #[error("{doing}: conflict ({message})")]
    Conflict {
        /// What was being done.
        doing: String,
        /// What the API server said.
        message: String,
    },
    /// A resourceVersion or a continue token is too old (410).
    #[error("{doing}: the resourceVersion is too old")]
    Expired {
        /// What was being done.
        doing: String,
    },
    /// The API server refuses the object.
    #[error("{doing}: rejected ({message})")]
    Refused {
        /// What was being done.
        doing: String,
        /// Which fields, and why; without their values.
        message: String,
    },
    /// The API server, or something behind it, is busy or away; later it may work.
    #[error("{doing}: {message}")]
    Unavailable {
        /// What was being done.
        doing: String,
        /// What happened.
        message: String,
        /// The transport's error.
        #[source]
        source: Option<Cause>,
    },
    /// The answer is not what the API promises.
    #[error("{doing}: unexpected response ({why})")]
    Malformed {
        /// What was being done.
        doing: String,
        /// What is wrong with it, without its content.
        why: String,
    },
}

fn near_hint(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) }
}

impl Error {
    /// What sort of failure this is.
    pub fn category(&self) -> Category {
        match self {
            Self::Config { .. } | Self::Selection(_) | Self::Refused { .. } | Self::UnknownKind { .. } => {
                Category::Invalid
            }
            Self::Unauthorized { .. } | Self::Forbidden { .. } => Category::Denied,
            Self::NotFound { .. } => Category::NotFound,
            Self::Conflict { .. } => Category::Conflict,
            Self::Expired { .. } | Self::Unavailable { .. } => Category::Unavailable,
            Self::Malformed { .. } => Category::Other,
        }
    }

    /// Whether the same call may succeed later without anyone changing anything.
    pub fn is_retryable(&self) -> bool {
        self.category().is_retryable()
    }

    /// Message, category and cause, as the engine's error types want them.
    fn into_parts(self) -> (String, Category, Option<Cause>) {
        let (what, category) = (self.to_string(), self.category());
        let source = match self {
            Self::Config { source, .. } | Self::Unavailable { source, .. } => source,
            _ => None,
        };
        (what, category, source)
    }
}

impl From<Error> for SourceError {
    fn from(error: Error) -> Self {
        let (what, category, source) = error.into_parts();
        Self::new(category, what).caused_by(source)
    }
}

impl From<Error> for SinkError {
    fn from(error: Error) -> Self {
        let (what, category, source) = error.into_parts();
        Self::new(category, what).caused_by(source)
    }
}
