use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use serde::Serialize;

/// Upper bounds of the buckets in milliseconds; one more bucket takes the rest.
const BOUNDS_MS: [u64; 14] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000, 60_000, 600_000];

/// Durations in fixed buckets.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS_MS.len() + 1],
    sum_us: AtomicU64,
}

/// A histogram as it was at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HistogramSnapshot {
    /// Upper bound of each bucket in seconds (the last is infinite) and how many observations lie in it or
    /// below: cumulative, as Prometheus has them. JSON has no infinity: it is `null` there.
    pub buckets: Vec<(f64, u64)>,
    /// All observations.
    pub count: u64,
    /// Their sum.
    #[serde(serialize_with = "crate::serialize::seconds")]
    pub sum: Duration,
}

impl Histogram {
    /// Counts a duration.
    pub(crate) fn record(&self, took: Duration) {
        let at = BOUNDS_MS.partition_point(|ms| Duration::from_millis(*ms) < took);
        self.buckets[at].fetch_add(1, Relaxed);
        self.sum_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    /// As it is now.
    pub fn snapshot(&self) -> HistogramSnapshot {
        let bounds = BOUNDS_MS.iter().map(|ms| Duration::from_millis(*ms).as_secs_f64()).chain([f64::INFINITY]);
        let mut count = 0;
        let buckets = bounds
            .zip(&self.buckets)
            .map(|(bound, n)| {
                count += n.load(Relaxed);
                (bound, count)
            })
            .collect();
        HistogramSnapshot { buckets, count, sum: Duration::from_micros(self.sum_us.load(Relaxed)) }
    }
}

impl HistogramSnapshot {
    /// The upper bound of the bucket in which the `q`-th part (0 to 1) of all observations ends.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let rank = q * self.count as f64;
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        self.buckets.iter().find(|(_, n)| *n > 0 && *n as f64 >= rank).map(|(bound, _)| *bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_bounds_inclusive() {
        let h = Histogram::default();
        assert_eq!(h.snapshot().quantile(0.5), None);
        for ms in [1, 3, 4, 700_000] {
            h.record(Duration::from_millis(ms));
        }
        let s = h.snapshot();
        assert_eq!((s.buckets[0].1, s.buckets[1].1, s.buckets[2].1, s.count), (1, 1, 3, 4));
        assert_eq!(s.quantile(0.5), Some(0.005));
        assert_eq!(s.quantile(1.0), Some(f64::INFINITY));
        assert_eq!(s.sum, Duration::from_millis(700_008));
    }
}
