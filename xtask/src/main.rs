//! The tasks of the Bastion workspace: `cargo xtask --help`.

mod bench;
mod check;
mod cli;
mod demo;
mod screen;

fn main() -> std::process::ExitCode {
    cli::main()
}
