//! The deletion brake: many objects absent at once may mean that the cluster, not the objects, went wrong.

/// When to withhold the deletions that a complete list implies.
///
/// It judges absences, which are inferred from a list. With a `DELETED` event the API server itself says that one
/// object is gone, which needs no brake; history keeps what was deleted either way.
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use]
pub struct Brake {
    share: f64,
    count: u64,
}

impl Default for Brake {
    /// More than half of a kind's objects, and more than 50 of them.
    fn default() -> Self {
        Self { share: 0.5, count: 50 }
    }
}

impl Brake {
    /// Withholds where more than `share` (0 to 1) of a kind's objects *and* more than `count` vanish at once.
    pub fn new(share: f64, count: u64) -> Self {
        Self { share: share.clamp(0.0, 1.0), count }
    }

    /// Never withholds, except after the cluster was restored from a backup.
    pub fn off() -> Self {
        Self { share: 1.0, count: u64::MAX }
    }

    /// Whether `vanished` of `of` known objects are too many. Only what vanished beyond the `acknowledged` ones is
    /// judged.
    pub(crate) fn withholds(&self, vanished: u64, of: u64, acknowledged: u64) -> bool {
        let beyond = vanished.saturating_sub(acknowledged);
        let of = of.saturating_sub(acknowledged.min(vanished));
        #[expect(clippy::cast_precision_loss, reason = "counts of objects stay far below 2^52")]
        let too_large_a_share = beyond as f64 > self.share * of as f64;
        beyond > self.count && too_large_a_share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_share_and_count_must_be_exceeded() {
        let brake = Brake::new(0.5, 50);
        assert!(!brake.withholds(50, 50, 0), "a handful may go at once");
        assert!(!brake.withholds(51, 1000, 0), "a small part may go at once");
        assert!(!brake.withholds(500, 1000, 0), "exactly the share is not more than it");
        assert!(brake.withholds(501, 1000, 0));
        assert!(brake.withholds(1000, 1000, 0));
        assert!(!Brake::off().withholds(1_000_000, 1_000_000, 0));
        assert!(Brake::new(0.0, 0).withholds(1, 1000, 0), "zero and zero withholds every absence");
    }

    #[test]
    fn what_was_acknowledged_passes_and_what_came_on_top_is_judged_anew() {
        let brake = Brake::new(0.5, 50);
        assert!(!brake.withholds(800, 1000, 800));
        assert!(!brake.withholds(840, 1000, 800), "forty more are a handful");
        assert!(brake.withholds(1000, 1000, 800), "the whole rest on top was not acknowledged");
    }
}
