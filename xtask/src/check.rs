//! `cargo xtask test`: everything.

use bastion_test_tools::Need;

use crate::{
    Result,
    check::steps::Steps,
    workspace::{cargo, program},
};

mod alone;
pub(crate) mod machine;
mod packages;
mod rust;
mod spelling;
mod steps;
pub(crate) mod tools;

/// Most test programs run this many tests at a time: a control plane takes 400 MB and, while it starts, a core.
const MOST_AT_A_TIME: usize = 4;

/// How to run the checks.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only the fast part: no servers, no stories, only formatting, clippy and the house rules
    #[arg(long)]
    quick: bool,
    /// How many tests run at a time [default: the number of cores, at most 4]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Only tests whose name contains this (clippy and the rest run all the same)
    #[arg(value_name = "FILTER")]
    filter: Option<String>,
}

/// Runs the steps, each with its time, and stops at the first that fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::default();
    steps.run("the machine", || machine(options.quick))?;
    steps.run("formatting", || cargo(&["fmt", "--all", "--check"], &[]))?;
    // Fetches a program the first time; the fast part works without a network.
    if !options.quick {
        steps.run("spelling", spelling::check)?;
    }
    steps.run("clippy", || {
        cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])
    })?;
    if options.quick {
        steps.run("house rules", || cargo(&["test", "--locked", "--package", "xtask", "--test", "house"], &[]))?;
    } else {
        steps.run("servers for the tests", tools::build)?;
        // Programs and tests together: one set of features, so that no dependency is compiled twice.
        steps.run("programs and tests", || cargo(&["build", "--locked", "--workspace", "--bins", "--tests"], &[]))?;
        steps.run("tests", || test(options))?;
        steps.run("each crate, each feature alone", alone::check)?;
        steps.run("the oldest Rust", rust::check)?;
        steps.run("packages", packages::check)?;
    }
    // With every feature, as docs.rs builds it: pages link to what only some features have.
    steps.run("documentation", || {
        cargo(
            &["doc", "--locked", "--workspace", "--all-features", "--no-deps"],
            &[("RUSTDOCFLAGS", "-D warnings".into())],
        )
    })?;
    steps.report();
    Ok(())
}

fn machine(quick: bool) -> Result<()> {
    machine::components()?;
    if quick {
        return Ok(());
    }
    machine::needs(&Need::ALL)?;
    machine::go()
}

fn test(options: &Options) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let threads = options.threads.unwrap_or(cores.min(MOST_AT_A_TIME)).to_string();
    let environment = [
        ("RUST_TEST_THREADS", threads),
        ("BASTION_BIN", program("bastion").display().to_string()),
        ("BASTION_CONTROLLER_BIN", program("bastion-controller").display().to_string()),
        // Nothing may ask a cloud's metadata service for credentials.
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ];
    // All test programs run even if one fails, so that one run shows every failure. The examples in the
    // documentation are among them.
    let mut args = vec!["test", "--locked", "--workspace", "--no-fail-fast"];
    args.extend(options.filter.as_deref());
    cargo(&args, &environment)
}
