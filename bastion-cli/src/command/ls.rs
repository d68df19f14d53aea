//! `bastion ls`.

use bastion_sdk::core::time::Timestamp;

use crate::{
    app::App,
    args::{ListFormat, ObjectArgs},
    error::{CliError, Result},
    exit::Exit,
    report::saved::{self, Saved},
    when,
};

/// List saved objects
///
/// Lists the latest saved state of each object, in all namespaces unless you give -n. Needs no cluster.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  bastion ls                       # everything
  bastion ls deploy,svc -n shop
  bastion ls cm -l app=web --at 2h # as it was two hours ago
  bastion ls --deleted             # including objects that no longer exist
  bastion ls certificates.cert-manager.io -o name")]
pub(crate) struct Args {
    #[command(flatten)]
    what: ObjectArgs,
    /// As of this time: 2026-01-31T12:00:00Z, 2026-01-31, or how long ago: 2h, 1d12h
    #[arg(long, value_name = "TIME", value_parser = bastion_sdk::time::parse)]
    at: Option<Timestamp>,
    /// Include objects that were deleted or are no longer selected
    #[arg(long)]
    deleted: bool,
    /// Format
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    output: ListFormat,
}

pub(crate) async fn run(app: &App, args: Args) -> Result<Exit> {
    let reader = app.reader(args.at).await?;
    let found = reader.objects(&args.what.spec()?, args.deleted).await?;
    if found.is_empty() {
        return Err(CliError::NothingMatched {
            what: format!("nothing of cluster {:?} matches", reader.cluster()),
            hint: "`bastion ls` without arguments lists everything; add --deleted for deleted objects, --at for another time"
                .to_owned(),
        });
    }
    let rows: Vec<_> = found.iter().map(|v| Saved::new(v, reader.algorithm())).collect();
    saved::print(&app.out, args.output, &rows, |wide| saved::objects(&rows, wide, args.deleted, when::now()))?;
    Ok(Exit::Ok)
}
