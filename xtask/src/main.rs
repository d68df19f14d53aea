//! The tasks of the Bastion workspace: `cargo xtask --help`.

mod check;
mod cli;
mod screen;

fn main() -> std::process::ExitCode {
    cli::main()
}
