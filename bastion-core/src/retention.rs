//! Which revisions to keep: the [`RetentionPlanner`] trait, the usual policies, and a guard around any of them.
//!
//! Planners are pure. They get one lineage (the revisions of an object, the snapshots of a volume), newest first,
//! and decide for each candidate. The time is an argument. Nothing in Bastion deletes by these plans yet.
//!
//! ```
//! use std::time::Duration;
//! use bastion_core::{retention::{Calendar, Candidate, KeepLast, Union, guarded}, time::Timestamp};
//!
//! let policy = Union(vec![Box::new(KeepLast(2)), Box::new(Calendar { daily: 7, ..Calendar::default() })]);
//! let now = Timestamp::from_millis(1_767_225_600_000);
//! let hourly: Vec<_> = (1..=48).map(|h| Candidate::new(now.minus(Duration::from_hours(h)))).collect();
//! let kept = guarded(&policy, &hourly, now).into_iter().filter(|decision| decision.is_keep()).count();
//! assert_eq!(kept, 3, "the last two (the first of them stands for its day) and the day before");
//! ```

use std::fmt::{self, Debug};

use crate::time::Timestamp;

mod policies;

pub use policies::{Calendar, KeepLast, KeepWithin, Union};

/// One revision of a lineage, as a planner sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// When it was made.
    pub at: Timestamp,
    /// Whether it can be restored (a failed snapshot cannot).
    pub good: bool,
    /// Whether it must not be deleted now (a legal hold, object lock, a restore that reads it).
    pub held: bool,
}

impl Candidate {
    /// One that was made at this time, can be restored and is not held.
    pub fn new(at: Timestamp) -> Self {
        Self { at, good: true, held: false }
    }

    /// Whether it can be restored.
    #[must_use]
    pub fn good(mut self, good: bool) -> Self {
        self.good = good;
        self
    }

    /// Whether somebody holds it.
    #[must_use]
    pub fn held(mut self, held: bool) -> Self {
        self.held = held;
        self
    }
}

/// Why a candidate is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeepReason {
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

impl fmt::Display for KeepReason {
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

/// What becomes of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is kept, for this reason.
    Keep(KeepReason),
    /// It may go.
    Drop,
}

impl Decision {
    /// Whether it is kept.
    pub fn is_keep(self) -> bool {
        matches!(self, Self::Keep(_))
    }
}

/// Decides which revisions of one lineage to keep. Pure: no I/O, no clock.
pub trait RetentionPlanner: Debug + Send + Sync {
    /// A decision for each candidate, in the order given: newest first.
    fn plan(&self, candidates: &[Candidate], now: Timestamp) -> Vec<Decision>;
}

/// Runs a planner and overrules it where it would drop the newest good candidate or a held one. Candidates that
/// the planner gives no decision for are kept.
///
/// ```
/// use bastion_core::{retention::{guarded, Candidate, KeepLast, KeepReason, Decision}, time::Timestamp};
///
/// let broken = Candidate::new(Timestamp::from_millis(2)).good(false);
/// let good = Candidate::new(Timestamp::from_millis(1));
/// let plan = guarded(&KeepLast(1), &[broken, good], Timestamp::from_millis(3));
/// assert_eq!(plan, [Decision::Keep(KeepReason::Last), Decision::Keep(KeepReason::NewestGood)]);
/// ```
pub fn guarded(planner: &dyn RetentionPlanner, candidates: &[Candidate], now: Timestamp) -> Vec<Decision> {
    let mut decisions = planner.plan(candidates, now);
    decisions.resize(candidates.len(), Decision::Keep(KeepReason::Held));
    let newest_good = candidates.iter().position(|v| v.good);
    for (i, (decision, candidate)) in decisions.iter_mut().zip(candidates).enumerate() {
        if decision.is_keep() {
            continue;
        }
        if candidate.held {
            *decision = Decision::Keep(KeepReason::Held);
        } else if newest_good == Some(i) {
            *decision = Decision::Keep(KeepReason::NewestGood);
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
