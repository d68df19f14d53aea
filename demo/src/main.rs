//! Bastion at work, on a real cluster. `cargo xtask demo` builds and starts it.

mod cast;
mod own;
mod progress;
mod run;
mod stage;
mod story;

fn main() -> std::process::ExitCode {
    run::main()
}
