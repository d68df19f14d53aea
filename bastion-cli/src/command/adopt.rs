//! `bastion adopt`.

use std::sync::Arc;

use bastion_sdk::{
    Adoption, Repo,
    cluster::Cluster,
    core::{Error as CoreError, repository::ClusterInfo},
    k8s::Client,
};

use crate::{
    app::App,
    error::{CliError, Result},
    exit::Exit,
    output, when,
};

/// Let this cluster take over the log of another one
///
/// Use this for a rebuilt cluster that should continue the history of the old one under its name. Every saved
/// revision is kept. The log begins a new incarnation: the next backup compares everything, and objects that only
/// the old cluster had are held back as deletions, for `bastion deletions accept`. A backup of the old cluster that
/// is still running stops at its next commit.
///
/// Asks before it writes; -y answers yes and is required without a terminal.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  bastion adopt prod                      # the current context continues the log of prod
  bastion adopt prod --context new-prod -y")]
pub(crate) struct Args {
    /// Name of the log in the repository
    #[arg(value_name = "NAME")]
    name: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub(crate) async fn run(app: &App, args: Args) -> Result<Exit> {
    let client = app.client().await?;
    let repo = Repo::open_to_write(&app.repository()?).await?;
    let cluster: Arc<dyn Cluster> = Arc::new(client.clone());
    let adoption = Adoption::of(&cluster, &args.name, &repo).await?;
    if !args.yes {
        confirm(adoption.log(), adoption.uid(), &client)?;
    }
    let head = adoption.confirm().await?;
    app.out.line(format_args!(
        "adopted: {} (context {}) continues {}, from revision {} in incarnation {}; the next backup compares everything",
        client.server(),
        client.context().unwrap_or("of this pod"),
        args.name,
        head.number,
        head.incarnation,
    ))?;
    Ok(Exit::Ok)
}

fn confirm(log: &ClusterInfo, uid: &str, client: &Client) -> Result<()> {
    if !output::can_ask() {
        return Err(CliError::Usage("there is no terminal to ask on: pass -y".to_owned()));
    }
    let question = format!(
        "{} belongs to the cluster with uid {}, last written {}. Let {} (context {}, uid {uid}) take it over?",
        log.name,
        log.uid,
        when::local(log.at),
        client.server(),
        client.context().unwrap_or("of this pod"),
    );
    if output::ask(&question)? { Ok(()) } else { Err(CoreError::Cancelled.into()) }
}
