//! Exit codes: the one place where they are chosen.

use std::process::ExitCode;

use bastion_sdk::{
    Error,
    core::{Category, engine::Report},
};

/// How a run ends; `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Stopped on request.
    Ok = 0,
    /// Failed.
    Error = 1,
    /// The command line or the configuration is wrong (clap exits with the same code).
    Usage = 2,
    /// Stopped on request, but not everything could be saved in time.
    Partial = 4,
    /// Another writer took over the log.
    Conflict = 7,
}

impl Exit {
    /// The code of a process that was shut down: with a report, if it led.
    pub(crate) fn of_shutdown(report: Option<&Report>) -> Self {
        if report.is_none_or(|r| r.flushed) { Self::Ok } else { Self::Partial }
    }

    /// The code for an error.
    pub(crate) fn of_error(error: &Error) -> Self {
        if error.category() == Category::Conflict { Self::Conflict } else { Self::Error }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
