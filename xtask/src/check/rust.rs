//! The oldest Rust that Cargo.toml promises.

use std::process::{Command, Stdio};

use bastion_test_tools::need::strict;

use crate::{
    Result, screen,
    workspace::{self, cargo_output},
};

/// Checks what is published with it, unless that is what everything else was just built with. Tests may need a newer
/// one: nobody who depends on a crate builds them.
pub(super) fn check() -> Result<()> {
    let published: Vec<_> = workspace::packages()?.into_iter().filter(|p| p.published).collect();
    let oldest = published.iter().find_map(|p| p.rust_version.clone()).ok_or("no rust-version")?;
    // `cargo 1.95.0 (…)`
    let used = cargo_output(&["--version"])?;
    if used.split(' ').nth(1).is_some_and(|used| is(used, &oldest)) {
        screen::line(&format!("    {oldest} is what all of this was built with"));
        return Ok(());
    }
    let Some(toolchain) = installed(&oldest).or_else(|| install(&oldest)) else {
        let advice = format!("Rust {oldest} is not here; `rustup toolchain install {oldest}` brings it");
        if strict() {
            return Err(advice.into());
        }
        screen::line(&format!("    {advice}; the check with it is left out"));
        return Ok(());
    };
    let mut check = rustup(&["run", &toolchain, "cargo", "check", "--locked"]);
    check.args(published.iter().flat_map(|package| ["--package", &package.name]));
    if check.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(format!("Cargo.toml promises Rust {oldest}, and what is published does not build with it").into())
}

/// The toolchain of that Rust, whatever its patch release: `1.95.0-x86_64-unknown-linux-gnu` for 1.95.
fn installed(oldest: &str) -> Option<String> {
    let list = rustup(&["toolchain", "list"]).output().ok()?;
    let list = String::from_utf8(list.stdout).ok()?;
    list.lines().filter_map(|line| line.split(' ').next()).find(|toolchain| is(toolchain, oldest)).map(str::to_owned)
}

fn install(oldest: &str) -> Option<String> {
    let status = rustup(&["toolchain", "install", "--profile", "minimal", oldest]).status();
    status.is_ok_and(|status| status.success()).then(|| oldest.to_owned())
}

/// Whether a version or a toolchain is of that release: `1.95`, `1.95.0`, `1.95-x86_64-…`.
fn is(version: &str, release: &str) -> bool {
    version.strip_prefix(release).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
}

fn rustup(args: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(args).current_dir(workspace::root()).env_remove("RUSTUP_TOOLCHAIN").stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::is;

    #[test]
    fn every_patch_release_is_of_its_release() {
        for version in ["1.95", "1.95.0", "1.95.2", "1.95-x86_64-unknown-linux-gnu", "1.95.0-aarch64-apple-darwin"] {
            assert!(is(version, "1.95"), "{version}");
        }
        for version in ["1.9", "1.950", "1.96.0", "stable-x86_64-unknown-linux-gnu", ""] {
            assert!(!is(version, "1.95"), "{version}");
        }
    }
}
