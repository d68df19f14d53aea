//! The workspace: where it lies, and cargo in it.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::Result;

/// The workspace's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// Where cargo builds.
pub fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A program of this workspace, built for development.
pub fn program(name: &str) -> PathBuf {
    target_dir().join("debug").join(name)
}

/// Runs cargo in the workspace.
///
/// # Errors
/// When it cannot be run, or fails.
pub fn cargo(args: &[&str], environment: &[(&str, String)]) -> Result<()> {
    let mut command = command(args);
    command.envs(environment.iter().map(|(name, value)| (*name, value)));
    let status = command.status().map_err(|e| format!("cannot run cargo: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo {} failed ({status})", args.join(" ")).into()) }
}

/// A package of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Whether it may be published.
    pub published: bool,
    /// Its features.
    pub features: Vec<String>,
    /// `package.metadata.alone`: what else a feature needs of a build, or `none` where no feature is on.
    pub alone: BTreeMap<String, Vec<String>>,
    /// The oldest Rust it promises to build with.
    pub rust_version: Option<String>,
}

/// The packages of the workspace, as `cargo metadata` lists them.
///
/// # Errors
/// When cargo fails.
pub fn packages() -> Result<Vec<Package>> {
    let output = command(&["metadata", "--locked", "--no-deps", "--format-version", "1"]).output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?.iter().map(|package| {
        Some(Package {
            name: text(&package["name"])?,
            published: package["publish"].is_null(),
            features: package["features"].as_object()?.keys().cloned().collect(),
            alone: match &package["metadata"]["alone"] {
                Value::Null => BTreeMap::new(),
                alone => serde_json::from_value(alone.clone()).ok()?,
            },
            rust_version: text(&package["rust_version"]),
        })
    });
    packages.collect::<Option<_>>().ok_or_else(|| "cargo metadata shows a package that is not understood".into())
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}
