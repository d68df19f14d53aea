//! What Bastion promises, row by row of issue "Fast", and the one measure that each promise is judged by.

/// On which number of a measure a goal stands, and the bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// The value is at most this.
    ValueAtMost(f64),
    /// The ratio to the floor or peer is at most this.
    RatioAtMost(f64),
    /// The ratio to the floor or peer is at least this.
    RatioAtLeast(f64),
}

/// A goal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// The measure that it is judged by.
    pub measure: &'static str,
    /// What is promised.
    pub what: &'static str,
    /// The goal in words.
    pub goal: &'static str,
    /// The goal as a number.
    pub bound: Bound,
}

use Bound::{RatioAtLeast, RatioAtMost, ValueAtMost};

const fn goal(measure: &'static str, what: &'static str, goal: &'static str, bound: Bound) -> Goal {
    Goal { measure, what, goal, bound }
}

const COLD: &str = "cold 100,000 to MinIO";
const DURABLE: &str = "change → durable";
const RESUMED: &str = "warm restart at 100,000, resumed";
const HEADLINE: &str = "100 of 100,000";
const RESTORE: &str = "restore 10,000";

/// All of them.
pub const GOALS: &[Goal] = &[
    goal("cold.minio.100000.time", COLD, "≤ 1.15 × the floor", RatioAtMost(1.15)),
    goal("cold.minio.100000.cpu-per-object", COLD, "own CPU ≤ 20 µs an object", ValueAtMost(20.0)),
    goal("cold.minio.100000.peak", COLD, "peak memory ≤ 100 MiB", ValueAtMost(100.0)),
    goal("cold.minio.100000.steady", COLD, "steady memory ≤ 64 MiB", ValueAtMost(64.0)),
    goal("latency.100.p50", DURABLE, "p50 ≤ 10 ms at 100/s", ValueAtMost(10.0)),
    goal("latency.100.p99", DURABLE, "p99 ≤ 100 ms at 100/s", ValueAtMost(100.0)),
    goal("latency.most.p99", DURABLE, "p99 ≤ 1 s at the most the server holds", ValueAtMost(1000.0)),
    goal("latency.far.p50", DURABLE, "with 50 ms added: p50 ≤ 2.5 requests' time", RatioAtMost(2.5)),
    goal("status.records", "status-only churn", "0 records", ValueAtMost(0.0)),
    goal("restart.100000.resumed", RESUMED, "≤ 1 s to \"nothing to do\"", ValueAtMost(1.0)),
    goal("restart.100000.killed", RESUMED, "≤ 1 s after kill -9", ValueAtMost(1.0)),
    goal("restart.100000.lists", RESUMED, "no list", ValueAtMost(0.0)),
    goal(
        "restart.100000.expired",
        "warm restart at 100,000, saved resourceVersion too old",
        "≤ 1.15 × a bare metadata-only list, plus fetching the differences",
        RatioAtMost(1.15),
    ),
    goal("headline.100000.time", HEADLINE, "≥ 50 × faster than Velero's next backup", RatioAtLeast(50.0)),
    goal("headline.100000.bytes", HEADLINE, "≥ 100 × fewer bytes than Velero", RatioAtLeast(100.0)),
    goal("headline.100000.memory", HEADLINE, "≥ 10 × less memory than Velero", RatioAtLeast(10.0)),
    goal("restore.10000.rate", RESTORE, "≥ 80 % of the best parallel create", RatioAtLeast(0.8)),
    goal("restore.10000.velero", RESTORE, "≥ 8 × Velero at its default QPS", RatioAtLeast(8.0)),
    goal("growth.memory-slope", "memory per object", "≤ 200 B from 100,000 to 1,000,000", ValueAtMost(200.0)),
    goal("workers.flood.p99", "workers", "under a flood elsewhere, p99 within 2 × a bare watcher", RatioAtMost(2.0)),
];

impl Goal {
    /// The goal of a measure, if it has one.
    pub fn of(measure: &str) -> Option<&'static Self> {
        GOALS.iter().find(|goal| goal.measure == measure)
    }

    /// Whether a measure meets it; `None` where the number that it stands on is missing.
    pub fn is_met(&self, value: f64, ratio: Option<f64>) -> Option<bool> {
        match self.bound {
            ValueAtMost(most) => Some(value <= most),
            RatioAtMost(most) => ratio.map(|ratio| ratio <= most),
            RatioAtLeast(least) => ratio.map(|ratio| ratio >= least),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_measure_is_judged_by_one_goal() {
        let measures: BTreeSet<_> = GOALS.iter().map(|goal| goal.measure).collect();
        assert_eq!(measures.len(), GOALS.len());
    }

    #[test]
    fn a_goal_on_a_ratio_needs_the_ratio() {
        let restore = Goal::of("restore.10000.rate").map(|goal| goal.is_met(500.0, None));
        assert_eq!(restore, Some(None));
        assert_eq!(Goal::of("restore.10000.rate").and_then(|goal| goal.is_met(500.0, Some(0.81))), Some(true));
        assert_eq!(Goal::of("cold.minio.100000.peak").and_then(|goal| goal.is_met(101.0, None)), Some(false));
    }
}
