//! Runs benches by name; `cargo xtask bench` builds and calls it.

use std::{path::PathBuf, process::ExitCode};

use bastion_benches::{Options, Result, growth, run, workers};
use clap::Parser;

/// As in Bastion's own programs.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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

fn main() -> ExitCode {
    let done: Result<()> = match Cli::parse() {
        Cli::Run(options) => run(&options),
        Cli::Grow { objects, folder } => growth::child(objects, &folder),
        Cli::BareWatcher { kubeconfig, url } => workers::bare_watcher(&kubeconfig, &url),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            bastion_benches::say(&format!("error: {e:?}"));
            ExitCode::FAILURE
        }
    }
}
