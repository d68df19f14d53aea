//! The oldest Rust that Cargo.toml promises.

use std::process::{Command, Stdio};

use crate::{Result, screen, workspace};

/// Checks the workspace with it, unless it is what everything else was just built with.
pub(super) fn check() -> Result<()> {
    let oldest = workspace::packages()?.into_iter().find_map(|p| p.rust_version).ok_or("no rust-version")?;
    let used = Command::new("rustc").arg("--version").output().map_err(|e| format!("cannot run rustc: {e}"))?;
    let used = String::from_utf8_lossy(&used.stdout).into_owned();
    if used.split([' ', '-']).nth(1).is_some_and(|used| used == oldest || used.starts_with(&format!("{oldest}."))) {
        screen::line(&format!("    {oldest} is what all of this was built with"));
        return Ok(());
    }
    let cargo = |args: &[&str]| {
        let mut command = Command::new("rustup");
        command.args(["run", &oldest]).args(args).current_dir(workspace::root()).env_remove("RUSTUP_TOOLCHAIN");
        command.stdin(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    if !cargo(&["rustc", "--version"]) {
        let mut install = Command::new("rustup");
        let installed = install.args(["toolchain", "install", "--profile", "minimal", &oldest]).status();
        if !installed.is_ok_and(|status| status.success()) {
            return Err(format!("`rustup toolchain install {oldest}` did not work").into());
        }
    }
    if cargo(&["cargo", "check", "--locked", "--workspace", "--all-targets"]) {
        return Ok(());
    }
    Err(format!("Cargo.toml promises Rust {oldest}, and the workspace does not build with it").into())
}
