//! Stores for Bastion.

#[cfg(feature = "fs")]
mod fs;

#[cfg(feature = "fs")]
pub use fs::FsStore;
