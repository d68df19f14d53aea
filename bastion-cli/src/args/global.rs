//! Arguments that every verb takes: where the repository is, which cluster, what is logged.

#![expect(clippy::doc_markdown, reason = "these comments are help texts: plain text, not Markdown")]

use std::path::PathBuf;

use bastion_sdk::spec::{ClusterSpec, RepositorySpec};
use clap::{Args, ValueEnum, ValueHint};

use super::flag;
use crate::error::{CliError, Result};

/// Where `--repo` and `--cluster` may come from as well.
const VARIABLES: [(&str, &str); 2] = [("repository.url", "BASTION_REPO"), ("cluster.name", "BASTION_CLUSTER")];

/// Arguments of every verb.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Global {
    /// Repository: file:///folder or s3://bucket/prefix?endpoint=https://host
    #[arg(long, global = true, env = "BASTION_REPO", hide_env_values = true, value_name = "URL", help_heading = "Repository and cluster", value_hint = ValueHint::Url)]
    pub(crate) repo: Option<String>,
    /// Name of the cluster in the repository [default: the only one there; for a new log, the name of the context]
    #[arg(
        long,
        global = true,
        env = "BASTION_CLUSTER",
        hide_env_values = true,
        value_name = "NAME",
        help_heading = "Repository and cluster"
    )]
    pub(crate) cluster: Option<String>,
    /// Path of the kubeconfig [default: KUBECONFIG, ~/.kube/config, or the pod's service account]
    #[arg(long, global = true, value_name = "PATH", help_heading = "Repository and cluster", value_hint = ValueHint::FilePath)]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context in the kubeconfig
    #[arg(long, global = true, value_name = "NAME", help_heading = "Repository and cluster")]
    pub(crate) context: Option<String>,
    /// Log more to stderr; -vv and -vvv log even more
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub(crate) verbose: u8,
    /// Format of log lines
    #[arg(
        long,
        global = true,
        env = "BASTION_LOG_FORMAT",
        hide_env_values = true,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Output"
    )]
    pub(crate) log_format: LogFormat,
    /// When to use colour; NO_COLOR is honoured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub(crate) color: ColorWhen,
}

impl Global {
    /// How to reach the cluster, and what it is called in the repository.
    pub(crate) fn cluster(&self) -> ClusterSpec {
        let mut spec = ClusterSpec::default();
        spec.name.clone_from(&self.cluster);
        spec.kubeconfig.clone_from(&self.kubeconfig);
        spec.context.clone_from(&self.context);
        spec
    }

    /// The repository, whose URL must be given.
    pub(crate) fn repository(&self) -> Result<RepositorySpec> {
        let url = self.repo.clone().filter(|url| !url.is_empty());
        url.map(RepositorySpec::new).ok_or_else(|| {
            CliError::Usage(
                "which repository? Use --repo URL or set BASTION_REPO, for example file:///var/backups/bastion"
                    .to_owned(),
            )
        })
    }

    /// A key of a spec as the person wrote it: a flag, or the environment variable that its value came from.
    pub(crate) fn spelling(&self, key: &str) -> String {
        let value = match key {
            "repository.url" => self.repo.as_deref(),
            "cluster.name" => self.cluster.as_deref(),
            _ => None,
        };
        let named = |variable: &str| value.is_some() && std::env::var(variable).ok().as_deref() == value;
        match VARIABLES.iter().find(|(of, variable)| *of == key && named(variable)) {
            Some((_, variable)) => (*variable).to_owned(),
            None => flag(key),
        }
    }
}

/// Shapes of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    #[default]
    Auto,
    Always,
    Never,
}
