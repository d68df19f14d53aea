//! Spelling, by `typos`; its few exceptions are in `typos.toml`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use bastion_test_tools::{need::strict, tools::cache_root};

use crate::{Result, screen, workspace};

/// Fixed, so that a new word list breaks nobody's build by itself.
const VERSION: &str = "1.52.0";

/// Checks code and pages. Where `typos` can be had neither from the cache nor from the network, this is left out with
/// a word, except in CI.
pub(super) fn check() -> Result<()> {
    let folder = cache_root()?.join(format!("typos-{VERSION}"));
    let Some(typos) = installed(&folder) else {
        let advice = format!(
            "typos {VERSION} is not here; `cargo install --locked --version {VERSION} --root {} typos-cli` brings it",
            folder.display()
        );
        if strict() {
            return Err(advice.into());
        }
        screen::line(&format!("    {advice}; spelling is left out"));
        return Ok(());
    };
    let status = Command::new(&typos).current_dir(workspace::root()).status();
    match status.map_err(|e| format!("cannot run {}: {e}", typos.display()))? {
        status if status.success() => Ok(()),
        _ => Err("fix what is misspelt, or allow a word in typos.toml".into()),
    }
}

/// From the cache; else from `PyPI`, which has it built; else cargo builds it.
fn installed(folder: &Path) -> Option<PathBuf> {
    let program = folder.join("bin/typos");
    if program.is_file() {
        return Some(program);
    }
    screen::line(&format!("    typos {VERSION} comes to {}", folder.display()));
    let wheel = ["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target"];
    let pip = || runs(Command::new("python3").args(wheel).arg(folder).arg(format!("typos=={VERSION}")));
    let crates = ["install", "--locked", "--quiet", "--version", VERSION, "--root"];
    let cargo = || runs(Command::new("cargo").args(crates).arg(folder).arg("typos-cli"));
    // A fresh Debian has no pip.
    ((pip() && program.is_file()) || (cargo() && program.is_file())).then_some(program)
}

fn runs(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}
