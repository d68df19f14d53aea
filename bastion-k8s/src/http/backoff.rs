//! How long to wait before the next try.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// Doubles from `first` up to `cap`; half of each wait is chance, so that what failed together does not come
/// back together.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    cap: Duration,
    tries: u32,
}

impl Backoff {
    pub(crate) fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap, tries: 0 }
    }

    /// For watches and lists that go on for ever.
    pub(crate) fn patient() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_secs(30))
    }

    /// For single calls.
    pub(crate) fn brisk() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(5))
    }

    /// It worked: the next failure begins from the start.
    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }

    /// How often it failed in a row.
    pub(crate) fn tries(&self) -> u32 {
        self.tries
    }

    /// The next wait; at least what the server asked for.
    pub(crate) fn next(&mut self, asked: Option<Duration>) -> Duration {
        self.after(asked, chance())
    }

    fn after(&mut self, asked: Option<Duration>, chance: u64) -> Duration {
        let full = self.first.saturating_mul(1_u32.checked_shl(self.tries).unwrap_or(u32::MAX)).min(self.cap);
        self.tries = self.tries.saturating_add(1).min(31);
        let half = full / 2;
        let jitter = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
        let wait = half + Duration::from_millis(if jitter == 0 { 0 } else { chance % (jitter + 1) });
        // A server that asks for an hour is not obeyed blindly.
        wait.max(asked.unwrap_or_default().min(Duration::from_mins(2)))
    }
}

/// Random enough to spread waits: the standard library seeds each `RandomState` anew.
pub(crate) fn chance() -> u64 {
    RandomState::new().hash_one(0_u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_grow_to_the_cap_and_never_past_it(chances in proptest::collection::vec(any::<u64>(), 1..50)) {
            let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
            let mut full = Duration::from_millis(500);
            for chance in chances {
                let wait = backoff.after(None, chance);
                prop_assert!(wait >= full / 2 && wait <= full, "{wait:?} of {full:?}");
                full = (full * 2).min(Duration::from_secs(30));
            }
            backoff.reset();
            prop_assert!(backoff.after(None, u64::MAX) <= Duration::from_millis(500));
        }
    }

    #[test]
    fn the_server_s_wish_counts_within_reason() {
        let mut backoff = Backoff::brisk();
        assert_eq!(backoff.after(Some(Duration::from_secs(7)), 0), Duration::from_secs(7));
        assert_eq!(backoff.after(Some(Duration::from_hours(2)), 0), Duration::from_mins(2));
        assert_eq!(backoff.tries(), 2);
    }
}
