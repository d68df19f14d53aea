//! How long to wait before the next try: exponential backoff with jitter. Pure: the caller brings a random number
//! and does the waiting.
//!
//! Everything in Bastion that tries again waits by a [`Backoff`]; whether it tries again is what
//! [`Category::retry`](crate::Category::retry) says.
//!
//! ```
//! use std::time::Duration;
//! use bastion_core::backoff::Backoff;
//!
//! let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(60)).jitter(0.0);
//! assert_eq!(backoff.next(0), Duration::from_millis(200));
//! assert_eq!(backoff.next(0), Duration::from_millis(400));
//! backoff.reset();
//! assert_eq!(backoff.next(0), Duration::from_millis(200));
//! ```

use std::time::Duration;

/// The longest wait that a server can ask for.
const LONGEST_ASKED: Duration = Duration::from_mins(2);

/// Waits that double with every failure in a row, up to a longest one.
///
/// Jitter shortens each wait by a random part, so that callers that failed together do not come back together: by
/// up to half, or what [`jitter`](Self::jitter) says.
#[derive(Debug, Clone, PartialEq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    jitter: f64,
    failures: u32,
}

impl Backoff {
    /// Waits from `first`, doubled up to `longest`.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, jitter: 0.5, failures: 0 }
    }

    /// The share of each wait that is random: from 0 (none of it) to 1 (all of it). NaN counts as 0.
    #[must_use]
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        self
    }

    /// Counts a failure: how long to wait before the next try. `random` is any random number.
    pub fn next(&mut self, random: u64) -> Duration {
        let doublings = self.failures.min(31);
        self.failures = self.failures.saturating_add(1);
        let full = self.first.saturating_mul(1 << doublings).min(self.longest);
        // Whole milliseconds are fine enough to spread callers. A product beyond the longest duration is all of it.
        let spread = Duration::try_from_secs_f64(full.as_secs_f64() * self.jitter).unwrap_or(full);
        let span = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX);
        let least = full.saturating_sub(Duration::from_millis(span));
        least.saturating_add(Duration::from_millis(random.checked_rem(span).unwrap_or(0)))
    }

    /// As [`next`](Self::next), and at least what the other side asked for (`Retry-After`), though never more
    /// than two minutes of that.
    pub fn next_after(&mut self, asked: Option<Duration>, random: u64) -> Duration {
        self.next(random).max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }

    /// As [`next`](Self::next) for what is tried `tries` times altogether: `None` after the last of them.
    pub fn next_within(&mut self, tries: u32, random: u64) -> Option<Duration> {
        let wait = self.next(random);
        (self.failures < tries).then_some(wait)
    }

    /// It worked: the next failure is the first again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// How many failures there were in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(30);

    proptest! {
        #[test]
        fn waits_double_up_to_the_longest(jitter in 0.0..=1.0_f64, randoms in prop::collection::vec(any::<u64>(), 1..50)) {
            let mut backoff = Backoff::new(FIRST, LONGEST).jitter(jitter);
            let mut full = FIRST;
            for random in randoms {
                let wait = backoff.next(random);
                let least = full.mul_f64(1.0 - jitter).saturating_sub(Duration::from_millis(1));
                prop_assert!(wait >= least && wait <= full, "{wait:?} of {full:?}");
                full = (full * 2).min(LONGEST);
            }
            backoff.reset();
            prop_assert!(backoff.next(u64::MAX) <= FIRST);
        }
    }

    #[test]
    fn the_wish_of_a_server_counts_within_reason() {
        let mut backoff = Backoff::new(FIRST, LONGEST);
        assert_eq!(backoff.next_after(Some(Duration::from_secs(7)), 0), Duration::from_secs(7));
        assert_eq!(backoff.next_after(Some(Duration::from_hours(2)), 0), Duration::from_mins(2));
        assert_eq!(backoff.next_after(None, 0), Duration::from_secs(1));
        assert_eq!(backoff.failures(), 3);
    }

    #[test]
    fn no_wait_is_too_long_and_no_jitter_too_odd() {
        let mut longest = Backoff::new(Duration::MAX, Duration::MAX).jitter(1.0);
        assert!((0..3).all(|random| longest.next(random) <= Duration::MAX));
        let mut odd = Backoff::new(FIRST, LONGEST).jitter(f64::NAN);
        assert_eq!(odd.next(7), FIRST);
    }

    #[test]
    fn the_last_try_is_followed_by_none() {
        let mut backoff = Backoff::new(FIRST, LONGEST);
        let waits = (0..10).map_while(|_| backoff.next_within(6, 0)).count();
        assert_eq!(waits + 1, 6);
        assert_eq!(Backoff::new(FIRST, LONGEST).next_within(1, 0), None);
    }
}
