//! The `bastion` command. Everything is in the modules; this starts them.

mod app;
mod args;
mod cli;
mod command;
mod diff;
mod error;
mod exit;
mod json;
mod kinds;
mod logging;
mod output;
mod progress;
mod remedy;
mod report;
mod run;
mod signals;
mod when;

fn main() -> std::process::ExitCode {
    run::main()
}
