//! `cargo xtask bench`: how fast, and beside what.

use std::process::Command;

use crate::{Result, screen, workspace};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Which benches; all unless said otherwise
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Small sizes, to see that the benches work; docs/performance.md stays as it is
    #[arg(long)]
    quick: bool,
    /// Also with 100,000 objects in a real cluster, which takes minutes to fill
    #[arg(long, conflicts_with = "quick")]
    full: bool,
}

/// Builds everything as it is shipped, and runs the benches.
pub(crate) fn run(options: &Options) -> Result<()> {
    screen::step("building what is shipped");
    let packages = ["--package", "bastion-cli", "--package", "bastion-benches"];
    workspace::cargo(&[&["build", "--locked", "--release"], packages.as_slice()].concat(), &[])?;
    let programs = workspace::target_dir().join("release");
    let mut command = Command::new(programs.join("bastion-bench"));
    command
        .arg("run")
        .args(&options.names)
        .args(options.quick.then_some("--quick"))
        .args(options.full.then_some("--full"));
    command.arg("--folder").arg(workspace::target_dir().join("bench"));
    command.arg("--page").arg(workspace::root().join("docs/performance.md"));
    command.env("BASTION_BIN", programs.join("bastion"));
    let status = command.status().map_err(|e| format!("cannot run the benches: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("the benches failed ({status})").into()) }
}
