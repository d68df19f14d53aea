//! The `bastion-controller` program. Everything is in the modules; this starts them.

mod args;
mod config;
mod exit;
mod run;

/// Gives pages back after the burst of a first list, which glibc's allocator does not.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    run::main()
}
