//! A bound on bytes in memory that many tasks share.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes are counted in units of this size, rounded up, and never less than one.
const UNIT: usize = 1024;

/// How many bytes may be held at once. First come, first served, so no task starves.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    room: Arc<Semaphore>,
    units: u32,
}

/// A part of a budget, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    _permit: OwnedSemaphorePermit,
}

/// Bytes with the share that pays for them.
#[derive(Debug)]
pub(crate) struct Held {
    /// The bytes.
    pub(crate) bytes: Bytes,
    _share: Share,
}

impl Held {
    pub(crate) fn new(bytes: Bytes, share: Share) -> Self {
        Self { bytes, _share: share }
    }
}

impl Budget {
    /// A budget of so many bytes, at least one unit.
    pub(crate) fn new(bytes: usize) -> Self {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).max(1);
        Self { room: Arc::new(Semaphore::new(units as usize)), units }
    }

    /// A single thing larger than the whole budget takes the whole budget, rather than waiting forever.
    fn units_for(&self, len: usize) -> u32 {
        u32::try_from(len.div_ceil(UNIT)).unwrap_or(u32::MAX).clamp(1, self.units)
    }

    /// Room for so many bytes, if there is any now.
    pub(crate) fn try_take(&self, len: usize) -> Option<Share> {
        self.room.clone().try_acquire_many_owned(self.units_for(len)).ok().map(|permit| Share { _permit: permit })
    }

    /// Room for so many bytes; waits for it. `None` never comes in practice: the budget is not closed.
    pub(crate) async fn take(&self, len: usize) -> Option<Share> {
        self.room.clone().acquire_many_owned(self.units_for(len)).await.ok().map(|permit| Share { _permit: permit })
    }

    /// How many bytes are held now, in whole units.
    pub(crate) fn held(&self) -> u64 {
        (self.units as usize).saturating_sub(self.room.available_permits()) as u64 * UNIT as u64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[tokio::test]
    async fn what_is_dropped_makes_room() {
        let budget = Budget::new(10 * UNIT);
        let most = budget.take(9 * UNIT).await.unwrap();
        assert!(budget.try_take(2 * UNIT).is_none());
        let rest = budget.try_take(1).unwrap();
        assert_eq!(budget.held(), 10 * UNIT as u64);
        drop((most, rest));
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test]
    async fn a_giant_takes_all_and_does_not_wait_for_ever() {
        let budget = Budget::new(4 * UNIT);
        let giant = budget.take(1 << 30).await.unwrap();
        assert!(budget.try_take(1).is_none());
        drop(giant);
        assert!(budget.try_take(1).is_some());
    }
}
