//! The `bastion` command. Everything is in the modules; this starts them.

mod args;
mod command;
mod connect;
mod diff;
mod error;
mod exit;
mod json;
mod kinds;
mod logging;
mod objects;
mod output;
mod progress;
mod remedy;
mod report;
mod run;
mod signals;
mod tree;
mod when;

fn main() -> std::process::ExitCode {
    run::main()
}
