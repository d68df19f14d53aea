//! `bastion deletions`.

use bastion_sdk::{Repo, spec::KindWord};
use clap::Subcommand;
use serde::Serialize;

use crate::{
    app::App,
    args::ReportFormat,
    error::Result,
    exit::Exit,
    output::{Report, table},
    report::status::WithheldStatus,
    when,
};

/// Show or accept deletions that are held back
///
/// If a large share of the objects of a kind disappears at once, Bastion holds their deletions back: the saved
/// objects stay as they are, and other changes are still saved. Accept the deletions to record them.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_long_help = "\
Examples:
  bastion deletions ls
  bastion deletions accept cm          # of this kind
  bastion deletions accept --all"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List deletions that are held back
    Ls {
        /// Format
        #[arg(long, short, value_name = "FORMAT", default_value = "text")]
        output: ReportFormat,
    },
    /// Accept deletions: the running backup then records them
    Accept {
        /// Deletions of these kinds
        #[arg(value_name = "KIND", required_unless_present = "all", conflicts_with = "all")]
        kinds: Vec<KindWord>,
        /// Deletions of every kind
        #[arg(long)]
        all: bool,
    },
}

pub(crate) async fn run(app: &App, args: Args) -> Result<Exit> {
    match args.verb {
        Verb::Ls { output } => ls(app, output).await,
        Verb::Accept { kinds, all: _ } => accept(app, &kinds).await,
    }
}

/// What is held back.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct HeldBack(Vec<WithheldStatus>);

impl Report for HeldBack {
    fn text(&self) -> String {
        if self.0.is_empty() {
            return "No deletions are held back.\n".to_owned();
        }
        let rows = self.0.iter().map(|w| {
            vec![
                w.kind.clone(),
                w.policy.clone(),
                format!("{} of {}", w.count, w.of),
                when::local(w.since),
                w.examples.join(", "),
            ]
        });
        table(&["KIND", "POLICY", "DELETED", "SINCE", "EXAMPLES"], rows)
    }
}

async fn ls(app: &App, output: ReportFormat) -> Result<Exit> {
    let held = app.reader(None).await?.withheld().iter().map(WithheldStatus::from).collect();
    app.out.report(output, &HeldBack(held))?;
    Ok(Exit::Ok)
}

async fn accept(app: &App, kinds: &[KindWord]) -> Result<Exit> {
    let repo = Repo::open_to_write(&app.repository()?).await?;
    let reader = repo.reader_for(&app.cluster()).await?;
    let by = std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned());
    let accepted = repo.accept_deletions(&reader, kinds, &by).await?;
    for w in &accepted.deletions {
        app.out.line(format_args!("accepted: {} of {} {} (policy {})", w.count, w.of, w.kind, w.policy))?;
    }
    app.out.line(format_args!(
        "revision {}; a running watch or controller records them soon, otherwise the next backup does",
        accepted.head.number
    ))?;
    Ok(Exit::Ok)
}
