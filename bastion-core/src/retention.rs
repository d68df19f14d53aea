//! Which states stay: the [`RetentionPlanner`] trait, the usual policies, and the guard around any of them.
//!
//! Planners are pure: one lineage in (the revisions of one object, the snapshots of one volume), newest first,
//! and a decision for each out. Time is an argument.

use std::fmt::{self, Debug};

use crate::time::Timestamp;

mod policies;

pub use policies::{Calendar, KeepLast, KeepWithin, Union};

/// One state of a lineage, as a planner sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// When it was made.
    pub at: Timestamp,
    /// Whether it can be restored (a failed snapshot cannot).
    pub good: bool,
    /// Whether somebody holds it (legal hold, object lock, a restore that reads it).
    pub held: bool,
}

/// Why one is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// One of the last so many.
    Last,
    /// Younger than the period.
    Within,
    /// The newest of its hour.
    Hourly,
    /// The newest of its day.
    Daily,
    /// The newest of its ISO week.
    Weekly,
    /// The newest of its month.
    Monthly,
    /// The newest of its year.
    Yearly,
    /// The newest good one: never dropped, whatever a planner says.
    NewestGood,
    /// Held: never dropped, whatever a planner says.
    Held,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Last => "last",
            Self::Within => "within",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
            Self::NewestGood => "newest good",
            Self::Held => "held",
        })
    }
}

/// What becomes of one version: kept for a reason, or dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It stays.
    Keep(Reason),
    /// It may go.
    Drop,
}

impl Decision {
    /// Whether it stays.
    pub fn is_keep(self) -> bool {
        matches!(self, Self::Keep(_))
    }
}

/// Decides which states of one lineage stay.
pub trait RetentionPlanner: Debug + Send + Sync {
    /// A decision for each candidate, in the order given: newest first.
    fn plan(&self, candidates: &[Candidate], now: Timestamp) -> Vec<Decision>;
}

/// Runs a planner and refuses what no policy may do: dropping the newest good one, or a held one. A
/// planner that answers for too few candidates keeps the rest.
///
/// ```
/// use bastion_core::{retention::{guarded, Candidate, KeepLast, Reason, Decision}, time::Timestamp};
///
/// let broken = Candidate { at: Timestamp::from_millis(2), good: false, held: false };
/// let good = Candidate { at: Timestamp::from_millis(1), good: true, held: false };
/// let plan = guarded(&KeepLast(1), &[broken, good], Timestamp::from_millis(3));
/// assert_eq!(plan, [Decision::Keep(Reason::Last), Decision::Keep(Reason::NewestGood)]);
/// ```
pub fn guarded(planner: &dyn RetentionPlanner, candidates: &[Candidate], now: Timestamp) -> Vec<Decision> {
    let mut decisions = planner.plan(candidates, now);
    decisions.resize(candidates.len(), Decision::Keep(Reason::Held));
    let newest_good = candidates.iter().position(|v| v.good);
    for (i, (decision, candidate)) in decisions.iter_mut().zip(candidates).enumerate() {
        if decision.is_keep() {
            continue;
        }
        if candidate.held {
            *decision = Decision::Keep(Reason::Held);
        } else if newest_good == Some(i) {
            *decision = Decision::Keep(Reason::NewestGood);
        }
    }
    decisions
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The worst planner there is.
    #[derive(Debug)]
    struct DropAll;

    impl RetentionPlanner for DropAll {
        fn plan(&self, candidates: &[Candidate], _: Timestamp) -> Vec<Decision> {
            vec![Decision::Drop; candidates.len()]
        }
    }

    proptest! {
        #[test]
        fn no_planner_can_drop_the_newest_good_or_a_held_version(
            mut v in prop::collection::vec((0i64..10_000_000_000, any::<bool>(), any::<bool>()), 0..40),
            n in 0usize..5,
        ) {
            v.sort_by_key(|c| std::cmp::Reverse(c.0));
            let candidates: Vec<_> =
                v.into_iter().map(|(ms, good, held)| Candidate { at: Timestamp::from_millis(ms), good, held }).collect();
            let now = Timestamp::from_millis(10_000_000_000);
            for planner in [&DropAll as &dyn RetentionPlanner, &KeepLast(n)] {
                let plan = guarded(planner, &candidates, now);
                prop_assert_eq!(plan.len(), candidates.len());
                prop_assert!(candidates.iter().zip(&plan).all(|(v, d)| !v.held || d.is_keep()));
                if let Some(i) = candidates.iter().position(|v| v.good) {
                    prop_assert!(plan[i].is_keep());
                }
            }
        }
    }
}
