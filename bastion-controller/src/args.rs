//! The command line: where the configuration is, and no more.

use std::path::PathBuf;

use clap::Parser;

/// Continuous backup of a Kubernetes cluster, as a Deployment.
///
/// Follows what the configuration selects and saves every change. Of several replicas one works; another takes
/// over within seconds. SIGTERM: saves what is under way, gives the lead away, ends with 0.
///
/// The configuration is a YAML file; each key can also be set by an environment variable (`repo`:
/// `BASTION_REPO`, `selection.mode`: `BASTION_SELECTION_MODE`), which goes before the file. Unknown keys are errors.
/// Only `repo` must be set; `--print-config` shows all keys. docs/operations.md explains them.
#[derive(Debug, Parser)]
#[command(
    name = "bastion-controller",
    version,
    max_term_width = 110,
    after_help = "\
A configuration:
    repo: s3://my-bucket/production?region=eu-central-1   # or file:///backups
    cluster: production           # the cluster's name in the repository
    createRepository: true        # make the repository if there is none
    selection:
      mode: annotated             # what carries backup/enabled: \"true\"; or all

Credentials for S3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the pod's role.
Served on port 8080: /healthz (it lives), /readyz (it leads, or stands by), /metrics (Prometheus).
Manifests with the rights that it needs are in deploy/: kubectl apply -k deploy

Exit codes:
    0  stopped by SIGINT or SIGTERM, everything saved
    1  failed; the last log line says why
    2  the command line or the configuration is wrong
    4  stopped, but not everything could be saved in time; the next start finds it again
    7  another writer took over the log"
)]
pub(crate) struct Args {
    /// Configuration file
    #[arg(long, env = "BASTION_CONFIG", value_name = "PATH")]
    pub(crate) config: Option<PathBuf>,
    /// Print the configuration as it is after file, environment and defaults, and end
    #[arg(long)]
    pub(crate) print_config: bool,
}
