//! Rules of the house, checked: who may depend on whom and import from whom, how big files are, what the docs promise.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod crates;
mod dependencies;
mod files;
mod imports;
mod licences;
mod links;
mod reliability;
mod sizes;
