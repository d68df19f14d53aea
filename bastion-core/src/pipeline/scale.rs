//! How many workers a kind has: more while its queue is deep, fewer once it was idle for a while.

use std::time::Duration;

/// The bounds of a kind's worker pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Workers {
    floor: usize,
    ceiling: usize,
    depth: usize,
    idle: Duration,
}

impl Default for Workers {
    /// One to eight workers, one more for every 16 objects that wait; one that had nothing to do for five
    /// seconds stops.
    fn default() -> Self {
        Self { floor: 1, ceiling: 8, depth: 16, idle: Duration::from_secs(5) }
    }
}

impl Workers {
    /// Between `floor` (at least one) and `ceiling` (at least `floor`).
    pub fn between(floor: usize, ceiling: usize) -> Self {
        let floor = floor.max(1);
        Self { floor, ceiling: ceiling.max(floor), ..Self::default() }
    }

    /// How long a worker above the floor waits for work before it stops.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    pub(crate) fn idle_time(self) -> Duration {
        self.idle
    }

    /// How many to start now, with `running` at work and `waiting` objects in the queue.
    pub(crate) fn missing(self, running: usize, waiting: usize) -> usize {
        let wanted = waiting.div_ceil(self.depth).clamp(self.floor, self.ceiling);
        wanted.saturating_sub(running)
    }

    /// Whether one of `running` workers that found nothing to do for [`Self::idle_time`] stops.
    pub(crate) fn may_stop(self, running: usize) -> bool {
        running > self.floor
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_flood_brings_the_ceiling_and_idleness_the_floor() {
        let pool = Workers::between(2, 8);
        assert_eq!(pool.missing(0, 0), 2);
        assert_eq!(pool.missing(2, 20), 0);
        assert_eq!(pool.missing(2, 48), 1);
        assert_eq!(pool.missing(2, 100_000), 6);
        assert!(pool.may_stop(3));
        assert!(!pool.may_stop(2));
    }

    proptest! {
        #[test]
        fn never_leaves_its_bounds(floor in 0..20usize, ceiling in 0..20usize, running in 0..40usize, waiting in 0..10_000usize) {
            let pool = Workers::between(floor, ceiling);
            let after = running + pool.missing(running, waiting);
            prop_assert!(after >= floor.max(1));
            prop_assert!(after <= ceiling.max(floor).max(1).max(running));
            // Asked again, none are missing: no flapping.
            prop_assert_eq!(pool.missing(after, waiting), 0);
        }
    }
}
