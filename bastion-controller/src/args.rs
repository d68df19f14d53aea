//! The command line: where the configuration is, and no more.

use std::path::PathBuf;

use clap::Parser;

/// Continuous backup of a Kubernetes cluster, as a Deployment.
///
/// Watches the objects that the configuration selects and saves every change. One replica leads; another takes over
/// within seconds. On SIGTERM it saves what is in flight, releases the Lease and exits with 0.
///
/// The configuration is a YAML file. An environment variable overrides each key (`repo`: `BASTION_REPO`,
/// `selection.mode`: `BASTION_SELECTION_MODE`). Unknown keys are errors. Only `repo` is required; `--print-config` shows
/// all keys, and docs/operations.md explains them.
#[derive(Debug, Parser)]
#[command(
    name = "bastion-controller",
    version,
    max_term_width = 110,
    after_help = "\
A configuration:
    repo: s3://my-bucket/production?region=eu-central-1   # or file:///backups
    cluster: production           # the cluster's name in the repository
    createRepository: true        # create the repository if there is none
    selection:
      mode: annotated             # objects annotated backup/enabled: \"true\"; or all

Credentials for S3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the pod's role.
Served on port 8080: /healthz (alive), /readyz (leading, or standing by), /metrics (Prometheus).
Manifests with the permissions that it needs are in deploy/: kubectl apply -k deploy

Exit codes:
    0  stopped by SIGINT or SIGTERM, everything saved
    1  failed; the last log line says why
    2  invalid command line or configuration
    4  stopped before everything was saved, or by a second signal; the next start finds the rest
    7  another writer took over the log"
)]
pub(crate) struct Args {
    /// Configuration file
    #[arg(long, env = "BASTION_CONFIG", value_name = "PATH")]
    pub(crate) config: Option<PathBuf>,
    /// Print the effective configuration (defaults, file, environment) and exit
    #[arg(long)]
    pub(crate) print_config: bool,
}
