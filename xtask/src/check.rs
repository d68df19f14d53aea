//! `cargo xtask test`: everything.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{cli::Result, screen};

pub(crate) mod machine;
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
    steps.run("the machine", || machine::check(!options.quick))?;
    steps.run("formatting", || cargo(&["fmt", "--all", "--check"], &[]))?;
    steps.run("clippy", || {
        cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])
    })?;
    if options.quick {
        steps.run("house rules", || {
            cargo(&["test", "--locked", "--package", "bastion-tests", "--test", "house"], &[])
        })?;
    } else {
        steps.run("servers for the tests", tools::build)?;
        steps.run("building the programs", || {
            cargo(&["build", "--locked", "--package", "bastion-cli", "--package", "bastion-controller"], &[])
        })?;
        steps.run("building the tests", || cargo(&["test", "--locked", "--workspace", "--no-run"], &[]))?;
        steps.run("tests", || test(options))?;
    }
    steps.run("documentation", || {
        cargo(&["doc", "--locked", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings".into())])
    })?;
    if machine::has("cargo-deny") {
        steps.run("licences and banned crates", || cargo(&["deny", "check", "bans", "licenses", "sources"], &[]))?;
    } else {
        screen::line("\ncargo-deny is not installed: licences are not checked (cargo install cargo-deny)");
    }
    steps.report();
    Ok(())
}

fn test(options: &Options) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let threads = options.threads.unwrap_or(cores.min(MOST_AT_A_TIME)).to_string();
    let minio = bastion_tests::Tool::Minio.path()?;
    let programs = target_dir().join("debug");
    // One for all the tests of bastion-k8s, which cannot start their own: the library that does builds on it.
    let runtime = tokio::runtime::Runtime::new()?;
    let cluster = runtime.block_on(bastion_tests::ControlPlane::start("bastion-k8s"))?;
    let environment = [
        ("RUST_TEST_THREADS", threads),
        ("BASTION_TEST_KUBECONFIG", cluster.kubeconfig()?.display().to_string()),
        ("BASTION_TEST_MINIO", minio.display().to_string()),
        ("BASTION_BIN", programs.join("bastion").display().to_string()),
        ("BASTION_CONTROLLER_BIN", programs.join("bastion-controller").display().to_string()),
        // Nothing may ask a cloud's metadata service for credentials.
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ];
    // All test programs run even if one fails, so that one run shows every failure. The examples in the
    // documentation are among them.
    let mut args = vec!["test", "--locked", "--workspace", "--no-fail-fast"];
    args.extend(options.filter.as_deref());
    cargo(&args, &environment)
}

/// Where the programs of this workspace are built.
pub(crate) fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// Runs cargo in the workspace.
pub(crate) fn cargo(args: &[&str], environment: &[(&str, String)]) -> Result<()> {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(root()).envs(environment.iter().map(|(k, v)| (*k, v)));
    let status = command.status().map_err(|e| format!("cannot run cargo: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo {} failed ({status})", args.join(" ")).into()) }
}

/// Steps with their times.
#[derive(Debug, Default)]
struct Steps {
    times: Vec<(String, Duration)>,
}

impl Steps {
    fn run(&mut self, title: &str, step: impl FnOnce() -> Result<()>) -> Result<()> {
        screen::step(title);
        let started = Instant::now();
        let result = step();
        let took = started.elapsed();
        if result.is_ok() {
            screen::done(title, took);
        } else {
            self.report();
        }
        self.times.push((title.to_owned(), took));
        result
    }

    fn report(&self) {
        screen::step("times");
        for (title, took) in &self.times {
            screen::line(&format!("{title:>28}  {}", screen::seconds(*took)));
        }
        let total = self.times.iter().map(|(_, took)| *took).sum();
        screen::line(&format!("{:>28}  {}", "together", screen::seconds(total)));
    }
}
