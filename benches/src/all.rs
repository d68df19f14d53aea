use crate::{Options, Result, cold, growth, kinds, latency, micro, restart, restore, results::Results, workers};

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
