//! What a command can fail with. Printed once, with its chain and a remedy, by [`crate::run`].

pub(crate) use bastion_sdk::core::error::chain;
use bastion_sdk::{
    core::Category,
    spec::{SpecError, Spelling},
};

/// What the commands return.
pub(crate) type Result<T, E = CliError> = std::result::Result<T, E>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The library: a spec, the repository or the cluster.
    #[error(transparent)]
    Sdk(#[from] bastion_sdk::Error),
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
    /// The same error; that of a spec names its key as the person wrote it.
    pub(crate) fn spelled(self, spelling: Spelling<'_>) -> Self {
        match self {
            Self::Sdk(e) => Self::Sdk(e.spelled(spelling)),
            other => other,
        }
    }

    /// What sort of failure this is.
    pub(crate) fn category(&self) -> Category {
        match self {
            Self::Sdk(e) => e.category(),
            Self::Usage(_) => Category::Invalid,
            Self::NothingMatched { .. } => Category::NotFound,
            Self::Damaged { .. } => Category::Corrupt,
            Self::Output(_) | Self::Render { .. } => Category::Other,
        }
    }
}

/// Errors of the crates beneath the library, by way of its own.
macro_rules! by_way_of_the_sdk {
    ($($error:ty),+) => {$(
        impl From<$error> for CliError {
            fn from(e: $error) -> Self {
                Self::Sdk(e.into())
            }
        }
    )+};
}
by_way_of_the_sdk!(
    bastion_sdk::core::Error,
    bastion_sdk::core::sink::SinkError,
    bastion_sdk::core::source::SourceError,
    bastion_sdk::core::store::StoreError,
    bastion_sdk::k8s::Error,
    bastion_sdk::process::ProcessError,
    SpecError
);
