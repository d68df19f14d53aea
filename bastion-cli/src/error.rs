//! What a command can fail with. Printed once, with its chain and a remedy, by [`crate::run`].

pub(crate) use bastion_core::error::chain;
use bastion_core::{Category, store::StoreError};

/// What the commands return.
pub(crate) type Result<T, E = CliError> = std::result::Result<T, E>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The engine, the repository or the cluster.
    #[error(transparent)]
    Core(#[from] bastion_core::Error),
    /// The API server, or the way to it.
    #[error(transparent)]
    Kubernetes(#[from] bastion_k8s::Error),
    /// The command line asks for something that cannot be; found after clap was content.
    #[error("{0}")]
    Usage(String),
    /// Nothing was selected or found.
    #[error("{what}")]
    NothingMatched {
        /// What was looked for, and where.
        what: String,
        /// What to try.
        hint: String,
    },
    /// `verify` found problems; they were printed already.
    #[error("{problems} {} found in the repository", if *.problems == 1 { "problem" } else { "problems" })]
    Damaged {
        /// How many.
        problems: u64,
    },
    /// The operating system, before the command began.
    #[error(transparent)]
    Process(#[from] bastion_sdk::process::ProcessError),
    /// The terminal or pipe.
    #[error("cannot write the output")]
    Output(#[from] std::io::Error),
    /// A value could not be shown in the format that was asked for.
    #[error("cannot show {what}")]
    Render {
        /// What.
        what: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl CliError {
    /// What sort of failure this is.
    pub(crate) fn category(&self) -> Category {
        match self {
            Self::Core(e) => e.category(),
            Self::Kubernetes(e) => e.category(),
            Self::Usage(_) => Category::Invalid,
            Self::NothingMatched { .. } => Category::NotFound,
            Self::Damaged { .. } => Category::Corrupt,
            Self::Process(_) | Self::Output(_) | Self::Render { .. } => Category::Other,
        }
    }
}

impl From<StoreError> for CliError {
    fn from(e: StoreError) -> Self {
        Self::Core(e.into())
    }
}
impl From<bastion_core::source::SourceError> for CliError {
    fn from(e: bastion_core::source::SourceError) -> Self {
        Self::Core(e.into())
    }
}
impl From<bastion_core::sink::SinkError> for CliError {
    fn from(e: bastion_core::sink::SinkError) -> Self {
        Self::Core(e.into())
    }
}
