//! Exit codes: the one place where they are chosen. `--help`, `docs/operations.md` and the tests read it.

use std::process::ExitCode;

use bastion_sdk::{
    Error,
    core::{Category, Error as CoreError},
    k8s::Error as Kubernetes,
    spec::SpecError,
};

use crate::error::CliError;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// Failed.
    Error = 1,
    /// The command line is wrong (clap exits with the same code).
    Usage = 2,
    /// Nothing matched.
    NothingMatched = 3,
    /// Done but for some objects or kinds, each of which was named.
    Partial = 4,
    /// `verify` found damage.
    Damaged = 5,
    /// `diff --exit-code` found a difference.
    Differs = 6,
    /// Somebody else was faster or has taken over: this writer stopped.
    Conflict = 7,
    /// Interrupted before it was done.
    Interrupted = 130,
}

macro_rules! table {
    () => {
        "\
Exit codes:
    0  success
    1  failed
    2  wrong usage
    3  nothing matched: no object was selected or found
    4  partial success: some objects or kinds failed and are named
    5  verify found damage
    6  diff --exit-code found a difference
    7  another writer was faster or took over; this one stopped
  130  interrupted (watch exits with 0 instead: it saves first)"
    };
}

/// What stands below the short help.
pub(crate) const TABLE: &str = table!();

/// What stands below the long help.
pub(crate) const FIRST_STEPS_AND_TABLE: &str = concat!(
    "\
Getting started:
  export BASTION_REPO=file:///var/backups/bastion
  bastion init                            # create the repository
  bastion backup --all                    # save everything once
  bastion watch --all                     # save every change as it happens
  bastion history deployment/web -n shop  # every revision of an object
  bastion restore -n shop --at 2h         # a namespace as it was two hours ago

Link it as kubectl-bastion on your PATH to run it as `kubectl bastion`.

",
    table!()
);

impl Exit {
    /// The code for an error.
    pub(crate) fn of(error: &CliError) -> Self {
        match error {
            CliError::Damaged { .. } => Self::Damaged,
            CliError::NothingMatched { .. } | CliError::Sdk(Error::NothingMatched { .. }) => Self::NothingMatched,
            // A repository that has long been there is no race, and a URL may come from the environment.
            CliError::Sdk(Error::Core(CoreError::RepositoryExists { .. })) => Self::Error,
            CliError::Sdk(Error::Spec(SpecError::Value { key, .. })) if key == "repository.url" => Self::Error,
            CliError::Usage(_)
            | CliError::Sdk(
                Error::Spec(_)
                | Error::Kubernetes(Kubernetes::Selection(_))
                | Error::AmbiguousCluster { .. }
                | Error::UnnamedCluster
                | Error::NothingToAdopt { .. }
                | Error::OtherName { .. }
                | Error::AmbiguousObject { .. },
            ) => Self::Usage,
            other => match other.category() {
                Category::Conflict => Self::Conflict,
                Category::Cancelled => Self::Interrupted,
                _ => Self::Error,
            },
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
