//! Benchmarks of Bastion: `cargo xtask bench`.
//!
//! Each bench adds [`Row`](results::Row)s to the results; goals are judged in [`goals`], the page is written by
//! [`page`]. What is compared is measured in the same run, by turns.

pub mod charts;
pub mod cli;
pub mod cluster;
pub mod cold;
pub mod goals;
pub mod growth;
pub mod headline;
pub mod kinds;
pub mod latency;
pub mod log;
pub mod machine;
pub mod micro;
pub mod page;
pub mod process;
pub mod restart;
pub mod restore;
pub mod results;
pub mod run;
pub mod synthetic;
pub mod velero;
pub mod watcher;
pub mod workers;

use results::Results;
pub use run::{Options, run};

/// Whatever went wrong: it is printed, nothing else.
pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// A bench.
#[derive(Debug, Clone, Copy)]
pub struct Bench {
    /// Its name on the command line, and the first word of its measures.
    pub name: &'static str,
    /// What it measures.
    pub about: &'static str,
    /// Measures.
    pub run: fn(&Options, &mut Results) -> Result<()>,
}

/// All of them.
pub const BENCHES: &[Bench] = &[
    Bench { name: "micro", about: "what one object costs, step by step", run: micro::run },
    Bench { name: "growth", about: "1,000 to 1,000,000 objects: time and memory each", run: growth::run },
    Bench { name: "kinds", about: "300 kinds, most of them empty", run: kinds::run },
    Bench { name: "cold", about: "first backup, beside the fastest complete read", run: cold::run },
    Bench { name: "latency", about: "from a change to its record, at several rates", run: latency::run },
    Bench { name: "workers", about: "one kind while another is flooded", run: workers::run },
    Bench { name: "restart", about: "a warm restart, and few of many changed", run: restart::run },
    Bench { name: "restore", about: "beside a plain parallel create", run: restore::run },
];

/// Progress, for the person who waits.
pub fn say(line: &str) {
    bastion_tests::say(line);
}
