//! The keys of the configuration, as they stand in the file.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use bastion_sdk::{
    process::LogFormat,
    spec::{EngineSpec, RuleSpec, Selection},
    time,
};
use serde::{Deserialize, Serialize};

use super::environment::Variables;

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
    pub(crate) listen: SocketAddr,
    /// Which objects.
    #[serde(default)]
    pub(crate) selection: Selection,
    /// What of them is content, beyond the built-in rules.
    #[serde(default)]
    pub(crate) rules: Vec<RuleSpec>,
    /// Leader election.
    #[serde(default)]
    pub(crate) leader: LeaderConfig,
    /// The engine's bounds.
    #[serde(default)]
    pub(crate) engine: EngineSpec,
    /// Log lines.
    #[serde(default)]
    pub(crate) log: LogConfig,
    /// How to reach the cluster; by default as the pod's own account.
    #[serde(default)]
    pub(crate) kubernetes: KubernetesConfig,
    /// Which variables set keys, for messages.
    #[serde(skip)]
    pub(super) variables: Variables,
}

fn listen() -> SocketAddr {
    (std::net::Ipv6Addr::UNSPECIFIED, 8080).into()
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
    #[serde(with = "time::required")]
    pub(crate) duration: Duration,
    #[serde(with = "time::required")]
    pub(crate) renew_deadline: Duration,
    #[serde(with = "time::required")]
    pub(crate) retry: Duration,
}

impl Default for LeaderConfig {
    fn default() -> Self {
        Self {
            name: "bastion-controller".to_owned(),
            namespace: None,
            identity: None,
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
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

/// How to reach the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct KubernetesConfig {
    pub(crate) kubeconfig: Option<PathBuf>,
    pub(crate) context: Option<String>,
    /// At most that many requests a second.
    pub(crate) qps: Option<u32>,
}
