//! Starts a command, prints its error once, ends with its exit code.

use std::{io::Write, process::ExitCode};

use anstyle::{AnsiColor, Style};
use bastion_sdk::process::block_on;
use clap_complete::CompleteEnv;

use crate::{
    app::App,
    args::{ColorWhen, Global},
    cli::{self, Cli, Command},
    command,
    error::{CliError, Result, chain},
    exit::Exit,
    logging,
    output::Out,
    remedy,
};

/// Gives pages back after the burst of a first list, which glibc's allocator does not.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The whole program.
pub(crate) fn main() -> ExitCode {
    CompleteEnv::with_factory(|| cli::command_named(std::env::args_os().next().as_deref())).complete();
    if std::env::args_os().len() <= 1 {
        // clap shows the help only where nothing at all is given, and it counts BASTION_REPO.
        let help = cli::command_named(std::env::args_os().next().as_deref()).render_help();
        anstream::eprint!("{}", help.ansi());
        return Exit::Usage.into();
    }
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(e) => {
            // --help and --version end here, too; nobody is left to tell if their output cannot be written.
            let _ = e.print();
            return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(Exit::Usage as u8));
        }
    };
    match cli.global.color {
        ColorWhen::Auto => {}
        ColorWhen::Always => anstream::ColorChoice::Always.write_global(),
        ColorWhen::Never => anstream::ColorChoice::Never.write_global(),
    }
    logging::start(&cli.global, matches!(cli.command, Command::Watch(_)));
    let global = cli.global.clone();
    let result = block_on(dispatch(cli)).map_err(CliError::from).flatten();
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            let error = error.spelled(&|key| global.spelling(key));
            // Where stderr is gone, too, the exit code has to do.
            let _ = complain(&error, &global);
            Exit::of(&error).into()
        }
    }
}

async fn dispatch(cli: Cli) -> Result<Exit> {
    let app = App { global: cli.global, out: Out::default() };
    match cli.command {
        Command::Init(a) => command::init::run(&app, a).await,
        Command::Backup(a) => command::backup::run(&app, a).await,
        Command::Watch(a) => Box::pin(command::watch::run(&app, a)).await,
        Command::Ls(a) => command::ls::run(&app, a).await,
        Command::Show(a) => command::show::run(&app, a).await,
        Command::History(a) => command::history::run(&app, a).await,
        Command::Diff(a) => command::diff::run(&app, a).await,
        Command::Restore(a) => command::restore::run(&app, a).await,
        Command::Verify(a) => command::verify::run(&app, a).await,
        Command::Status(a) => command::status::run(&app, a).await,
        Command::Deletions(a) => command::deletions::run(&app, a).await,
        Command::Adopt(a) => command::adopt::run(&app, a).await,
        Command::Completions(a) => command::completions::run(&app, &a),
    }
}

/// The one place that prints an error.
fn complain(error: &CliError, global: &Global) -> std::io::Result<()> {
    let red = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
    let bold = Style::new().bold();
    let mut stderr = anstream::stderr().lock();
    writeln!(stderr, "{red}error:{red:#} {}", chain(error))?;
    if let Some(remedy) = remedy::remedy(error, global) {
        writeln!(stderr, "{bold}try:{bold:#}   {remedy}")?;
    }
    Ok(())
}
