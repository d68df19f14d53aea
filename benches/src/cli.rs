//! Arguments of `bastion-bench`.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

use crate::{Options, Result, growth, run, say, workers};

#[derive(Debug, Parser)]
enum Cli {
    /// Run benches.
    Run(Options),
    /// One size of the growth bench, in a process of its own.
    #[command(hide = true)]
    Grow { objects: u64, folder: PathBuf },
    /// The bare watcher of the workers bench, in a process of its own.
    #[command(hide = true)]
    BareWatcher { kubeconfig: PathBuf, url: String },
}

/// Runs what the arguments say.
pub fn main() -> ExitCode {
    let done: Result<()> = match Cli::parse() {
        Cli::Run(options) => run(&options),
        Cli::Grow { objects, folder } => growth::child(objects, &folder),
        Cli::BareWatcher { kubeconfig, url } => workers::bare_watcher(&kubeconfig, &url),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            say(&format!("error: {e:?}"));
            ExitCode::FAILURE
        }
    }
}
