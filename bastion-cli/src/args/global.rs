//! Arguments that every verb takes: where the repository is, which cluster, how to talk.

#![expect(clippy::doc_markdown, reason = "these comments are help texts: plain text, not Markdown")]

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

/// Arguments of every verb.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Repository: file:///folder or s3://bucket/prefix?endpoint=https://host
    #[arg(long, global = true, env = "BASTION_REPO", hide_env_values = true, value_name = "URL", help_heading = "Where", value_hint = ValueHint::Url)]
    pub(crate) repo: Option<String>,
    /// Name of the cluster in the repository [default: the only one there, or the context's name for a new log]
    #[arg(
        long,
        global = true,
        env = "BASTION_CLUSTER",
        hide_env_values = true,
        value_name = "NAME",
        help_heading = "Where"
    )]
    pub(crate) cluster: Option<String>,
    /// Path of the kubeconfig [default: KUBECONFIG, ~/.kube/config, or the pod's own account]
    #[arg(long, global = true, value_name = "PATH", help_heading = "Where", value_hint = ValueHint::FilePath)]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME", help_heading = "Where")]
    pub(crate) context: Option<String>,
    /// Say more on stderr; -vv and -vvv say still more
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help_heading = "Talk")]
    pub(crate) verbose: u8,
    /// How log lines look
    #[arg(
        long,
        global = true,
        env = "BASTION_LOG_FORMAT",
        hide_env_values = true,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Talk"
    )]
    pub(crate) log_format: LogFormat,
    /// When to use colour; NO_COLOR is honoured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Talk")]
    pub(crate) color: ColorWhen,
}

/// Shapes of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    Auto,
    Always,
    Never,
}
