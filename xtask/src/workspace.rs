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
    /// Its folder.
    pub folder: PathBuf,
    /// The root files of its library and its programs.
    pub roots: Vec<PathBuf>,
    /// Its dependencies by the names that its code has for them, and whether only its tests have them.
    pub dependencies: Vec<(String, bool)>,
    /// Whether it may be published.
    pub published: bool,
    /// Its features.
    pub features: Vec<String>,
    /// `package.metadata.alone`: what else a feature needs of a build, or `none` where no feature is on.
    pub alone: BTreeMap<String, Vec<String>>,
    /// The oldest Rust it promises to build with.
    pub rust_version: Option<String>,
}

/// What cargo prints.
///
/// # Errors
/// When it cannot be run, or fails.
pub fn cargo_output(args: &[&str]) -> Result<String> {
    let output = command(args).output().map_err(|e| format!("cannot run cargo: {e}"))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    Err(format!("cargo {} failed: {}", args.join(" "), String::from_utf8_lossy(&output.stderr)).into())
}

/// `cargo metadata`.
///
/// # Errors
/// When cargo fails.
pub fn metadata(args: &[&str]) -> Result<Value> {
    let all = [&["metadata", "--locked", "--format-version", "1"], args].concat();
    Ok(serde_json::from_str(&cargo_output(&all)?)?)
}

/// The packages of the workspace, as `cargo metadata` lists them.
///
/// # Errors
/// When cargo fails.
pub fn packages() -> Result<Vec<Package>> {
    let metadata = metadata(&["--no-deps"])?;
    let packages = metadata["packages"].as_array().into_iter().flatten().map(Package::of).collect::<Option<_>>();
    packages.ok_or_else(|| "cargo metadata shows a package that is not understood".into())
}

impl Package {
    fn of(package: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let targets = package["targets"].as_array()?.iter();
        let roots = targets.filter(|target| ["lib", "bin"].iter().any(|kind| target["kind"][0] == *kind));
        let dependencies = package["dependencies"].as_array()?.iter().map(|dependency| {
            let name = dependency["rename"].as_str().or(dependency["name"].as_str())?;
            Some((name.to_owned(), dependency["kind"] == "dev"))
        });
        Some(Self {
            name: text(&package["name"])?,
            folder: Path::new(package["manifest_path"].as_str()?).parent()?.to_owned(),
            roots: roots.map(|target| Some(target["src_path"].as_str()?.into())).collect::<Option<_>>()?,
            dependencies: dependencies.collect::<Option<_>>()?,
            published: package["publish"].is_null(),
            features: package["features"].as_object()?.keys().cloned().collect(),
            alone: match &package["metadata"]["alone"] {
                Value::Null => BTreeMap::new(),
                alone => serde_json::from_value(alone.clone()).ok()?,
            },
            rust_version: text(&package["rust_version"]),
        })
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}
