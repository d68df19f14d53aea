//! Benchmarks of Bastion: `cargo xtask bench`.
//!
//! Each bench adds [`Row`](results::Row)s to the results; goals are judged in [`goals`], the page is written by
//! [`page`]. What is compared is measured in the same run, by turns.

mod all;
pub mod charts;
pub mod cli;
pub mod cluster;
pub mod cold;
mod error;
pub mod goals;
pub mod growth;
pub mod kinds;
pub mod latency;
pub mod log;
pub mod machine;
pub mod micro;
mod numbers;
mod options;
pub mod page;
pub mod process;
pub mod restart;
pub mod restore;
pub mod results;
mod run;
pub mod synthetic;
pub mod velero;
pub mod watcher;
pub mod workers;

pub use all::{BENCHES, Bench};
pub use bastion_tests::say;
pub use error::Result;
pub use options::Options;
pub use run::run;
