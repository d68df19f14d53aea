//! `bastion ls`.

use bastion_core::time::Timestamp;

use crate::{
    args::{ListFormat, ObjectArgs},
    error::{CliError, Result},
    exit::Exit,
    objects,
    report::saved::{self, Saved},
    run::App,
    when,
};

/// List saved objects
///
/// Lists the newest saved state of the objects, of all namespaces unless -n is given. Needs no cluster.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  bastion ls                       # everything
  bastion ls deploy,svc -n shop
  bastion ls cm -l app=web --at 2h # as it was two hours ago
  bastion ls --deleted             # also what no longer exists
  bastion ls certificates.cert-manager.io -o name")]
pub(crate) struct Args {
    #[command(flatten)]
    what: ObjectArgs,
    /// As it was at this time: 2026-01-31T12:00:00Z, 2026-01-31, or how long ago: 2h, 1d12h
    #[arg(long, value_name = "TIME", value_parser = crate::when::parse)]
    at: Option<Timestamp>,
    /// Also objects that were deleted or are no longer selected
    #[arg(long)]
    deleted: bool,
    /// Format
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    output: ListFormat,
}

pub(crate) async fn run(app: &App, args: Args) -> Result<Exit> {
    let reading = app.reading(args.at).await?;
    let found = objects::select(&reading.snapshot, &args.what, args.deleted).await?;
    if found.is_empty() {
        return Err(CliError::NothingMatched {
            what: format!("nothing of cluster {:?} matches", reading.cluster),
            hint: "`bastion ls` without arguments lists everything, --deleted also what is gone, --at another time"
                .to_owned(),
        });
    }
    let rows: Vec<_> = found.iter().map(|v| Saved::new(v, reading.algorithm())).collect();
    print(app, args.output, &rows, |wide| saved::objects(&rows, wide, args.deleted, when::now()))?;
    Ok(Exit::Ok)
}

/// Prints rows in the format that was asked for.
pub(crate) fn print(app: &App, format: ListFormat, rows: &[Saved], table: impl FnOnce(bool) -> String) -> Result<()> {
    match format {
        ListFormat::Table => app.out.text(&table(false)),
        ListFormat::Wide => app.out.text(&table(true)),
        ListFormat::Json => app.out.json(&rows),
        ListFormat::Yaml => app.out.yaml(&rows),
        ListFormat::Name => rows.iter().try_for_each(|row| app.out.line(row.short_name())),
    }
}
