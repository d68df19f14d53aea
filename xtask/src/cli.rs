//! Arguments.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{bench, check, demo, screen};

/// Tasks of the Bastion workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::doc_markdown, reason = "these comments are the help that a person reads")]
enum Task {
    /// Run every check there is, on real servers.
    ///
    /// In this order: what the machine needs (installs what Debian has), formatting, spelling, clippy, the servers for the
    /// tests (etcd, kube-apiserver, kube-controller-manager and MinIO, built once from pinned Go modules and cached in
    /// ~/.cache/bastion/tools), all tests of the workspace with those on real clusters and the examples in the
    /// documentation, each published crate alone with no feature and with each one, the oldest Rust, the packages, and
    /// the documentation itself. Where the machine does not give a test what it needs, such as the right to mount, the
    /// test is left out with a word; with `CI=true` nothing is left out, and it fails.
    ///
    /// Needs Linux, Rust, Go and strace; no Docker, no cluster. The first run takes about an hour on two cores, most
    /// of it compiling; later ones take minutes.
    #[command(visible_alias = "ci")]
    Test(check::Options),
    /// Watch Bastion at work: back up a real cluster as it changes, and restore it into another.
    ///
    /// Starts a real control plane on this machine (no Docker, no root), installs the CRDs of cert-manager, the
    /// Prometheus operator, Argo CD and the CSI snapshotter, creates some two thousand custom resources, and
    /// runs `bastion watch` into a folder. Then it changes things, kills the watcher, changes more, starts it
    /// again, restores everything into a second, empty cluster, and compares the two.
    ///
    /// The first run compiles Bastion, and beside it etcd and the Kubernetes servers, which takes about 15 minutes
    /// on two cores; later runs take about a minute. Ctrl-C ends everything that was started.
    #[command(after_help = "\
Examples:
  cargo xtask demo
  cargo xtask demo --hold                       # leave both clusters up until Ctrl-C, to look around
  cargo xtask demo --kubeconfig ~/.kube/config  # back up your own cluster, read-only")]
    Demo(demo::Options),
    /// Measure: builds what is shipped, runs the benches, and writes docs/performance.md.
    ///
    /// All benches together take about an hour, and say nothing on a machine that does something else meanwhile.
    /// `restart` and `restore` also run Velero, which Go builds from source the first time: some minutes, and some
    /// gigabytes of Go's caches.
    #[command(after_help = "\
Examples:
  cargo xtask bench
  cargo xtask bench growth
  cargo xtask bench --quick    # minutes: do the benches work?")]
    Bench(bench::Options),
    /// Build the servers that tests start, and print where they are.
    Tools,
}

/// Runs the task that the arguments name.
pub fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Test(options) => check::run(&options),
        Task::Demo(options) => demo::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Tools => check::tools::print(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            screen::error(e.as_ref());
            ExitCode::FAILURE
        }
    }
}
