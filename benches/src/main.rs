//! Runs benches by name; `cargo xtask bench` builds and calls it.

/// As in Bastion's own programs.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    bastion_benches::cli::main()
}
