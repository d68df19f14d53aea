//! `bastion status`.

use bastion_sdk::{
    Repo,
    k8s::{Client, preview},
    spec::Selection,
};

use crate::{
    app::App,
    args::ReportFormat,
    error::{Result, chain},
    exit::Exit,
    report::status::{ClusterStatus, LiveStatus, RepositoryStatus, SkippedStatus, Status},
    when,
};

/// Show the state of each log, and deletions that are held back
///
/// For each cluster: the latest commit with its digest, how far each kind is saved, and deletions that wait for
/// `bastion deletions accept`. If the cluster can be reached: the kinds that are not followed, and why.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  bastion status
  bastion status --no-live          # the repository only
  bastion status -o json | jq '.clusters[].head'")]
pub(crate) struct Args {
    /// Do not connect to the cluster
    #[arg(long)]
    no_live: bool,
    /// Format
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: ReportFormat,
}

pub(crate) async fn run(app: &App, args: Args) -> Result<Exit> {
    let repo = app.repo().await?;
    let mut clusters = Vec::new();
    for info in repo.clusters().await? {
        if app.global.cluster.as_ref().is_none_or(|name| *name == info.name) {
            clusters.push(ClusterStatus::new(&info, repo.reader(Some(&info.name), None).await?.snapshot()));
        }
    }
    let live = if args.no_live { None } else { live(app, &repo, &clusters).await };
    let repository = RepositoryStatus::new(repo.repository(), &app.repository()?.url);
    app.out.report(args.output, &Status { repository, clusters, live, now: when::now() })?;
    Ok(Exit::Ok)
}

/// What the cluster itself says; `None` where there is no kubeconfig. A cluster that cannot be reached is
/// no failure here: the repository is what was asked for.
async fn live(app: &App, repo: &Repo, clusters: &[ClusterStatus]) -> Option<LiveStatus> {
    let client = app.client().await.ok()?;
    let mut live = LiveStatus { server: client.server().to_owned(), cluster: None, error: None, skipped: Vec::new() };
    if let Err(e) = ask(&client, repo, clusters, &mut live).await {
        live.error = Some(chain(&e));
    }
    Some(live)
}

async fn ask(client: &Client, repo: &Repo, clusters: &[ClusterStatus], live: &mut LiveStatus) -> Result<()> {
    let uid = client.cluster_uid().await?;
    live.cluster = repo.repository().cluster_with_uid(&uid).await?.map(|c| c.name);
    let log = clusters.iter().find(|c| Some(&c.name) == live.cluster.as_ref());
    let preview = preview(client, &Selection::all()).await?;
    for (kind, why) in preview.skipped {
        let kind = kind.to_string();
        if !log.is_some_and(|log| log.follows(&kind)) {
            live.skipped.push(SkippedStatus { kind, why });
        }
    }
    live.skipped.extend(preview.failed.into_iter().map(|(kind, why)| SkippedStatus { kind, why }));
    Ok(())
}
