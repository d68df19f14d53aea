//! The configuration: a YAML file, environment variables before it, defaults beneath. Unknown keys are errors.

use std::{path::Path, time::Duration};

use bastion_core::error::chain;
use bastion_sdk::process::{LogFilter, LogFormat};
use serde::{Deserialize, Serialize};

mod environment;
mod length;
mod options;

pub(crate) use length::Length;

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// Repository: `file:///folder` or `s3://bucket/prefix?endpoint=https://host`.
    pub(crate) repo: String,
    /// Name of this cluster in the repository; needed only for a new log.
    #[serde(default)]
    pub(crate) cluster: Option<String>,
    /// Whether to create the repository where there is none.
    #[serde(default)]
    pub(crate) create_repository: bool,
    /// Whether to keep the view of plain files; by default in folders.
    #[serde(default)]
    pub(crate) tree: Option<bool>,
    /// Address of `/healthz`, `/readyz` and `/metrics`.
    #[serde(default = "listen")]
    pub(crate) listen: std::net::SocketAddr,
    /// What to take.
    #[serde(default)]
    pub(crate) selection: SelectionConfig,
    /// What of it is content, beyond the built-in rules.
    #[serde(default)]
    pub(crate) rules: Vec<Rule>,
    /// Leader election.
    #[serde(default)]
    pub(crate) leader: LeaderConfig,
    /// The engine's bounds.
    #[serde(default)]
    pub(crate) engine: EngineConfig,
    /// Log lines.
    #[serde(default)]
    pub(crate) log: LogConfig,
    /// How to reach the cluster; by default as the pod's own account.
    #[serde(default)]
    pub(crate) kubernetes: KubernetesConfig,
}

/// What to take.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SelectionConfig {
    pub(crate) mode: ModeConfig,
    pub(crate) kinds: Vec<String>,
    pub(crate) exclude_kinds: Vec<String>,
    pub(crate) namespaces: Vec<String>,
    pub(crate) exclude_namespaces: Vec<String>,
    pub(crate) labels: Option<String>,
    pub(crate) plaintext_secrets: bool,
    pub(crate) policy: Option<String>,
}

/// What is taken where nothing narrows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ModeConfig {
    /// What is annotated `backup/enabled: "true"`.
    #[default]
    Annotated,
    /// Everything.
    All,
}

/// A rule for one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    /// `ConfigMap`, `Certificate.cert-manager.io`.
    pub(crate) kind: String,
    /// Paths that are no content.
    #[serde(default)]
    pub(crate) drop: Vec<String>,
    /// Whether to keep `status` beside the content.
    #[serde(default)]
    pub(crate) keep_status: bool,
}

/// Leader election on a Lease.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct LeaderConfig {
    /// Name of the Lease.
    pub(crate) name: String,
    /// Its namespace; by default the pod's own.
    pub(crate) namespace: Option<String>,
    /// Who we are; by default the pod's name.
    pub(crate) identity: Option<String>,
    pub(crate) duration: Length,
    pub(crate) renew_deadline: Length,
    pub(crate) retry: Length,
}

impl Default for LeaderConfig {
    fn default() -> Self {
        Self {
            name: "bastion-controller".to_owned(),
            namespace: None,
            identity: None,
            duration: Length(Duration::from_secs(15)),
            renew_deadline: Length(Duration::from_secs(10)),
            retry: Length(Duration::from_secs(2)),
        }
    }
}

/// The engine's bounds; what is not set is the library's default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct EngineConfig {
    /// Least time between two commits.
    pub(crate) commit_interval: Option<Length>,
    /// Least time between two commits that carry only positions.
    pub(crate) position_interval: Option<Length>,
    /// How often each kind is listed although its watch goes well.
    pub(crate) compare_interval: Option<Length>,
    /// How long the last commit may take after SIGTERM.
    pub(crate) flush_deadline: Option<Length>,
    /// Bounds of each kind's worker pool.
    pub(crate) workers: Option<WorkersConfig>,
    /// How many objects of a kind may wait.
    pub(crate) queue_objects: Option<usize>,
    /// How many bytes of bodies may wait, of all kinds together.
    pub(crate) queue_bytes: Option<usize>,
    /// How many bytes of changed bodies may wait for a commit.
    pub(crate) batch_bytes: Option<usize>,
    /// How many objects the index keeps in memory.
    pub(crate) index_objects: Option<usize>,
    /// When deletions are held back.
    pub(crate) brake: Option<BrakeConfig>,
}

/// Bounds of a worker pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WorkersConfig {
    pub(crate) floor: usize,
    pub(crate) ceiling: usize,
}

/// Deletions are held back where more than this share and more than this count of a kind vanish at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BrakeConfig {
    pub(crate) share: f64,
    pub(crate) count: u64,
}

/// Log lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct LogConfig {
    pub(crate) format: LogFormat,
    /// A level (`info`) or a filter in tracing's syntax.
    pub(crate) filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Json, filter: "info".to_owned() }
    }
}

impl LogConfig {
    pub(crate) fn filter(&self) -> Result<LogFilter, ConfigError> {
        self.filter.parse().map_err(|e| ConfigError::Invalid(format!("log.filter: {}", chain(&e))))
    }
}

/// How to reach the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct KubernetesConfig {
    pub(crate) kubeconfig: Option<std::path::PathBuf>,
    pub(crate) context: Option<String>,
    /// At most that many requests a second.
    pub(crate) qps: Option<u32>,
}

fn listen() -> std::net::SocketAddr {
    (std::net::Ipv6Addr::UNSPECIFIED, 8080).into()
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration {path}")]
    Read {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("the configuration {path} is no valid YAML: {why}")]
    Yaml { path: String, why: String },
    #[error("the environment variable {name} is no setting; there are {known}")]
    UnknownVariable { name: String, known: String },
    #[error("the configuration is wrong: {0}")]
    Invalid(String),
}

impl Config {
    /// File, then environment, then defaults.
    pub(crate) fn load(
        path: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut tree = match path {
            Some(path) => read(path)?,
            None => serde_json::json!({}),
        };
        environment::apply(&mut tree, environment)?;
        let config: Self = serde_path_to_error::deserialize(tree).map_err(|e| ConfigError::Invalid(named(&e)))?;
        config.check()?;
        Ok(config)
    }
}

/// The key's path before what is wrong with it.
fn named(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    match error.path().to_string() {
        root if root == "." => error.inner().to_string(),
        path => format!("{path}: {}", error.inner()),
    }
}

fn read(path: &Path) -> Result<serde_json::Value, ConfigError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: shown.clone(), source })?;
    let tree: Option<serde_json::Value> =
        serde_saphyr::from_str(&text).map_err(|e| ConfigError::Yaml { path: shown.clone(), why: e.to_string() })?;
    match tree.unwrap_or(serde_json::Value::Null) {
        serde_json::Value::Null => Ok(serde_json::json!({})),
        tree @ serde_json::Value::Object(_) => Ok(tree),
        _ => Err(ConfigError::Yaml { path: shown, why: "it is not a map of keys".to_owned() }),
    }
}

#[cfg(test)]
mod tests;
