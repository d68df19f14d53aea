//! The tasks of the Bastion workspace: `cargo xtask --help`.

fn main() -> std::process::ExitCode {
    xtask::main()
}
