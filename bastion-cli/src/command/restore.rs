//! `bastion restore`.

use bastion_core::time::Timestamp;
use clap::ValueEnum;

use crate::{
    args::{ObjectArgs, ReportFormat},
    error::Result,
    exit::Exit,
    run::App,
};

/// Bring saved objects back into a cluster
///
/// Plans first: definitions and namespaces before what needs them, owners before what they own. --dry-run
/// prints the plan and writes nothing. Otherwise it asks before it writes; -y answers yes, and must be given
/// where there is no terminal to ask on. Run again it goes on: what is there already is left as it is.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  bastion restore -n shop --dry-run              # what would be done
  bastion restore -n shop --at 2h -y             # a namespace as it was two hours ago
  bastion restore deploy/web -n shop --conflict replace
  bastion restore -n shop --map-namespace shop=shop-copy
  bastion restore -A --cluster prod --context spare   # everything, into another cluster")]
pub(crate) struct Args {
    #[command(flatten)]
    what: ObjectArgs,
    /// As it was at this time: 2026-01-31T12:00:00Z, 2026-01-31, or how long ago: 2h, 1d12h
    #[arg(long, value_name = "TIME", value_parser = crate::when::parse)]
    at: Option<Timestamp>,
    /// Restore namespace FROM as TO, and rewrite references to it
    #[arg(long, value_name = "FROM=TO", value_delimiter = ',', value_parser = mapping)]
    map_namespace: Vec<(String, String)>,
    /// What to do with objects that exist and differ
    #[arg(long, value_name = "WHAT", default_value = "skip")]
    conflict: OnConflict,
    /// Print the plan and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Format of plan and report
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: ReportFormat,
}

/// What to do with objects that exist and differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnConflict {
    /// Leave them as they are
    Skip,
    /// Set what the backup holds, keep what others own (server-side apply)
    Update,
    /// Make them what the backup holds
    Replace,
    /// Stop before anything is written to them
    Fail,
}

fn mapping(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok((from.to_owned(), to.to_owned())),
        _ => Err("write FROM=TO, for example shop=shop-copy".to_owned()),
    }
}

pub(crate) async fn run(_app: &App, _args: Args) -> Result<Exit> {
    Ok(Exit::Ok)
}
