//! The command line as a whole: the arguments of every command, and all commands.

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{
    args::Global,
    command::{adopt, backup, completions, deletions, diff, history, init, ls, restore, show, status, verify, watch},
};

/// Continuous backup for Kubernetes objects, with restore to any point in time.
///
/// Bastion keeps every revision of the objects that you select in a repository: a folder or an S3 bucket.
/// It watches the cluster, removes what the cluster assigns by itself, and writes only what changed.
#[derive(Debug, Parser)]
#[command(
    name = "bastion",
    version,
    max_term_width = 110,
    arg_required_else_help = true,
    after_help = crate::exit::TABLE,
    after_long_help = crate::exit::FIRST_STEPS_AND_TABLE
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(init::Args),
    Backup(backup::Args),
    Watch(watch::Args),
    #[command(visible_alias = "get")]
    Ls(ls::Args),
    Show(show::Args),
    History(history::Args),
    Diff(diff::Args),
    Restore(restore::Args),
    Verify(verify::Args),
    Status(status::Args),
    Deletions(deletions::Args),
    Adopt(adopt::Args),
    Completions(completions::Args),
}

/// The command under the name that it was called by: `bastion`, or `kubectl bastion` for the plugin.
pub(crate) fn command_named(program: Option<&std::ffi::OsStr>) -> clap::Command {
    let as_plugin = program
        .map(std::path::Path::new)
        .and_then(std::path::Path::file_stem)
        .is_some_and(|name| name.to_string_lossy().starts_with("kubectl-"));
    let command = Cli::command();
    if as_plugin { command.bin_name("kubectl bastion") } else { command }
}

/// Parses the process's command line.
pub(crate) fn parse(args: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Cli, clap::Error> {
    let args: Vec<_> = args.into_iter().collect();
    let mut command = command_named(args.first().map(std::ffi::OsString::as_os_str));
    let matches = command.try_get_matches_from_mut(args)?;
    Cli::from_arg_matches(&matches).map_err(|e| e.format(&mut command))
}

#[cfg(test)]
mod tests;
