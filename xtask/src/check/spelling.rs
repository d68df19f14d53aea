//! Spelling, by `typos`; its few exceptions are in `typos.toml`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use bastion_test_tools::tools::cache_root;

use crate::{Result, screen, workspace};

/// Fixed, so that a new word list breaks nobody's build by itself.
const VERSION: &str = "1.52.0";

/// Checks code and pages.
pub(super) fn check() -> Result<()> {
    let typos = installed()?;
    let status = Command::new(&typos).current_dir(workspace::root()).status();
    match status.map_err(|e| format!("cannot run {}: {e}", typos.display()))? {
        status if status.success() => Ok(()),
        _ => Err("fix what is misspelt, or allow a word in typos.toml".into()),
    }
}

/// From `PyPI`, which has it built; else cargo builds it.
fn installed() -> Result<PathBuf> {
    let folder = cache_root()?.join(format!("typos-{VERSION}"));
    let program = folder.join("bin/typos");
    if program.is_file() {
        return Ok(program);
    }
    screen::line(&format!("    typos {VERSION} comes to {}", folder.display()));
    let wheel = ["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target"];
    if runs(Command::new("python3").args(wheel).arg(&folder).arg(format!("typos=={VERSION}"))) && program.is_file() {
        return Ok(program);
    }
    let crates = ["install", "--locked", "--version", VERSION, "--root"];
    if runs(Command::new("cargo").args(crates).arg(&folder).arg("typos-cli")) && Path::new(&program).is_file() {
        return Ok(program);
    }
    Err(format!("typos {VERSION} could be had neither by pip nor by cargo install").into())
}

fn runs(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}
