//! `bastion deletions`.

use bastion_core::{
    record::{Acknowledgement, Withheld},
    repository::{CommitNotes, WriterOptions},
    select::KindWord,
};
use clap::Subcommand;
use serde::Serialize;

use crate::{
    args::ReportFormat,
    error::{CliError, Result},
    exit::Exit,
    output::{Report, table},
    report::status::WithheldStatus,
    run::App,
    when,
};

/// Show or accept deletions that are held back
///
/// Where a large share of a kind's objects vanishes at once, their deletions are held back: the saved objects
/// stay as they are, and other changes go on. Once a person has accepted them they are recorded.
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
    /// List the deletions that are held back
    Ls {
        /// Format
        #[arg(long, short, value_name = "FORMAT", default_value = "text")]
        output: ReportFormat,
    },
    /// Accept them: the running backup records them as deleted
    Accept {
        /// Of these kinds
        #[arg(value_name = "KIND", required_unless_present = "all", conflicts_with = "all")]
        kinds: Vec<KindWord>,
        /// Of every kind
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
    let reading = app.reading(None).await?;
    let held = reading.snapshot.withheld().iter().filter(|w| w.count > 0).map(WithheldStatus::from).collect();
    app.out.report(output, &HeldBack(held))?;
    Ok(Exit::Ok)
}

/// Commits a person's word; the pipeline that holds the deletions back reads it.
async fn accept(app: &App, words: &[KindWord]) -> Result<Exit> {
    let repo = app.repository(true).await?;
    let cluster = app.cluster_to_read(&repo).await?;
    let snapshot = repo.snapshot(&cluster).await?;
    let meant = |w: &Withheld| w.count > 0 && (words.is_empty() || words.iter().any(|word| word.matches(&w.kind)));
    let held: Vec<_> = snapshot.withheld().into_iter().filter(meant).collect();
    if held.is_empty() {
        return Err(CliError::NothingMatched {
            what: format!("no such deletions of cluster {cluster:?} are held back"),
            hint: "`bastion deletions ls` lists those that are".to_owned(),
        });
    }
    let by = std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned());
    let accepted = held
        .iter()
        .map(|w| Acknowledgement {
            kind: w.kind.clone(),
            policy: w.policy.clone(),
            since: w.since,
            by: by.as_str().into(),
        })
        .collect();
    let mut writer =
        repo.writer(&cluster, WriterOptions::new(snapshot.head().cluster_uid.clone(), "deletions")).await?;
    let mut batch = writer.batch();
    let committed =
        writer.commit(&mut batch, &CommitNotes { acknowledgements: accepted, ..CommitNotes::default() }).await?;
    for w in &held {
        app.out.line(format_args!("accepted: {} of {} {} (policy {})", w.count, w.of, w.kind, w.policy))?;
    }
    app.out.line(format_args!(
        "revision {}; a running watch or controller records them soon, else the next backup does",
        committed.head.number
    ))?;
    Ok(Exit::Ok)
}
