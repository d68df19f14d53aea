//! Whether a Lease may be taken: pure.

use std::time::Duration;

use tokio::time::Instant;

use crate::lease::object::LeaseObject;

/// Whether it can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Availability {
    /// Its holder renewed it not long ago.
    Held,
    /// It was given back, ran out, or is ours.
    Free,
}

/// What a candidate saw of a Lease. Whether it ran out is told by our own clock, since its record last
/// changed: the times inside come from another machine.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    record: String,
    since: Option<Instant>,
}

impl Observed {
    pub(crate) fn availability(&mut self, lease: &LeaseObject, identity: &str, now: Instant) -> Availability {
        let record = lease.record();
        if self.since.is_none() || self.record != record {
            (self.record, self.since) = (record, Some(now));
        }
        let seen_for = self.since.map_or(Duration::ZERO, |since| now - since);
        match lease.holder() {
            None => Availability::Free,
            // We held it and started anew under the same name.
            Some(holder) if holder == identity => Availability::Free,
            Some(_) if seen_for >= lease.duration() => Availability::Free,
            Some(_) => Availability::Held,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn only_silence_that_we_saw_ourselves_frees_a_lease() {
        let (duration, start) = (Duration::from_secs(15), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        // Renewed, by its own account, in 2001: clocks differ, so that says nothing.
        let old = Timestamp::from_second(1_000_000_000).unwrap();
        let held = LeaseObject::new("l", "n").taken("a", duration, old);
        let mut observed = Observed::default();
        assert_eq!(observed.availability(&held, "b", start), Availability::Held);
        assert_eq!(observed.availability(&held, "b", after(14)), Availability::Held);
        let renewed = held.renewed(None, duration, Timestamp::from_second(1_000_000_001).unwrap());
        assert_eq!(observed.availability(&renewed, "b", after(14)), Availability::Held);
        assert_eq!(observed.availability(&renewed, "b", after(28)), Availability::Held);
        assert_eq!(observed.availability(&renewed, "b", after(29)), Availability::Free);
        assert_eq!(Observed::default().availability(&renewed, "a", start), Availability::Free, "our own");
        assert_eq!(Observed::default().availability(&renewed.freed(), "b", start), Availability::Free);
    }
}
