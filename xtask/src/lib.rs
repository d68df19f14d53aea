//! The tasks of the Bastion workspace, and what the demo shares with them.

mod bench;
mod check;
mod cli;
pub mod demo;
pub mod screen;
pub mod workspace;

pub use cli::main;

/// What every task returns; the error is one that is printed as it is.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
