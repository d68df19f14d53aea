use std::{collections::BTreeSet, time::Duration};

use jiff::{civil::DateTime, tz::TimeZone};

use super::{Candidate, Decision, KeepReason, RetentionPlanner};
use crate::time::Timestamp;

/// Keeps the newest ones, this many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepLast(pub usize);

impl RetentionPlanner for KeepLast {
    fn plan(&self, candidates: &[Candidate], _: Timestamp) -> Vec<Decision> {
        (0..candidates.len())
            .map(|i| if i < self.0 { Decision::Keep(KeepReason::Last) } else { Decision::Drop })
            .collect()
    }
}

/// Keeps what is younger than this. What is from the future (a clock was wrong) is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepWithin(pub Duration);

impl RetentionPlanner for KeepWithin {
    fn plan(&self, candidates: &[Candidate], now: Timestamp) -> Vec<Decision> {
        let oldest = now.minus(self.0);
        candidates
            .iter()
            .map(|v| if v.at >= oldest { Decision::Keep(KeepReason::Within) } else { Decision::Drop })
            .collect()
    }
}

/// Grandfather-father-son: keeps the newest good candidate of each of the last hours, days, weeks, months and years
/// that have one. Periods are in UTC; weeks are those of ISO 8601, so 2024-12-30 is in week 2025-W01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calendar {
    /// How many hours.
    pub hourly: usize,
    /// How many days.
    pub daily: usize,
    /// How many ISO weeks.
    pub weekly: usize,
    /// How many months.
    pub monthly: usize,
    /// How many years.
    pub yearly: usize,
}

type Bucket = fn(&DateTime) -> (i16, i16, i8);

impl RetentionPlanner for Calendar {
    fn plan(&self, candidates: &[Candidate], _: Timestamp) -> Vec<Decision> {
        let mut decisions = vec![Decision::Drop; candidates.len()];
        let rules: [(usize, KeepReason, Bucket); 5] = [
            (self.hourly, KeepReason::Hourly, |t| (t.year(), t.day_of_year(), t.hour())),
            (self.daily, KeepReason::Daily, |t| (t.year(), t.day_of_year(), 0)),
            (self.weekly, KeepReason::Weekly, |t| {
                let week = t.date().iso_week_date();
                (week.year(), i16::from(week.week()), 0)
            }),
            (self.monthly, KeepReason::Monthly, |t| (t.year(), i16::from(t.month()), 0)),
            (self.yearly, KeepReason::Yearly, |t| (t.year(), 0, 0)),
        ];
        for (count, reason, bucket) in rules {
            let mut seen = BTreeSet::new();
            for (candidate, decision) in candidates.iter().zip(&mut decisions).filter(|(v, _)| v.good) {
                // A time that no calendar has is kept.
                let Ok(at) = jiff::Timestamp::from_millisecond(candidate.at.as_millis()) else {
                    *decision = Decision::Keep(reason);
                    continue;
                };
                let first_of_bucket = seen.insert(bucket(&TimeZone::UTC.to_datetime(at)));
                if seen.len() > count {
                    break;
                }
                if first_of_bucket && !decision.is_keep() {
                    *decision = Decision::Keep(reason);
                }
            }
        }
        decisions
    }
}

/// Keeps what any of its planners keeps, for the reason of the first that does.
#[derive(Debug)]
pub struct Union(pub Vec<Box<dyn RetentionPlanner>>);

impl RetentionPlanner for Union {
    fn plan(&self, candidates: &[Candidate], now: Timestamp) -> Vec<Decision> {
        let mut decisions = vec![Decision::Drop; candidates.len()];
        for planner in &self.0 {
            for (decision, more) in decisions.iter_mut().zip(planner.plan(candidates, now)) {
                if !decision.is_keep() {
                    *decision = more;
                }
            }
        }
        decisions
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn candidates(times: &[&str]) -> Vec<Candidate> {
        times.iter().map(|t| Candidate { at: t.parse().unwrap(), good: true, held: false }).collect()
    }

    fn kept(planner: &dyn RetentionPlanner, times: &[&str]) -> Vec<String> {
        let now = "2025-01-10T00:00:00Z".parse().unwrap();
        let plan = planner.plan(&candidates(times), now);
        times
            .iter()
            .zip(plan)
            .filter_map(|(t, d)| if let Decision::Keep(why) = d { Some(format!("{t} {why}")) } else { None })
            .collect()
    }

    #[test]
    fn a_week_at_the_turn_of_the_year_is_one_week() {
        let times = ["2025-01-05T10:00:00Z", "2025-01-01T10:00:00Z", "2024-12-30T10:00:00Z", "2024-12-29T10:00:00Z"];
        let weekly = Calendar { weekly: 2, ..Calendar::default() };
        assert_eq!(kept(&weekly, &times), ["2025-01-05T10:00:00Z weekly", "2024-12-29T10:00:00Z weekly"]);
    }

    #[test]
    fn empty_days_do_not_use_up_the_count() {
        let times = ["2025-01-09T23:00:00Z", "2025-01-09T01:00:00Z", "2024-06-01T00:00:00Z", "2023-06-01T00:00:00Z"];
        let daily = Calendar { daily: 2, ..Calendar::default() };
        assert_eq!(kept(&daily, &times), ["2025-01-09T23:00:00Z daily", "2024-06-01T00:00:00Z daily"]);
    }

    #[test]
    fn a_failed_version_does_not_stand_for_its_day() {
        let mut all = candidates(&["2025-01-09T23:00:00Z", "2025-01-09T01:00:00Z"]);
        all[0].good = false;
        let plan = Calendar { daily: 1, ..Calendar::default() }.plan(&all, all[0].at);
        assert_eq!(plan, [Decision::Drop, Decision::Keep(KeepReason::Daily)]);
    }

    #[test]
    fn within_and_last_together_keep_what_either_keeps() {
        let both = Union(vec![Box::new(KeepLast(1)), Box::new(KeepWithin(Duration::from_hours(72)))]);
        let times = ["2025-01-09T00:00:00Z", "2025-01-08T00:00:00Z", "2025-01-01T00:00:00Z"];
        assert_eq!(kept(&both, &times), ["2025-01-09T00:00:00Z last", "2025-01-08T00:00:00Z within"]);
    }
}
