//! How single values are encoded.

use std::fmt;

use bastion_core::pipeline::HistogramSnapshot;
use prometheus_client::{
    encoding::{DescriptorEncoder, MetricEncoder},
    metrics::{MetricType, exemplar::Exemplar},
};

/// The labels of a value that has none.
type NoLabels = [(String, String); 0];

pub(crate) fn gauge(encoder: &mut DescriptorEncoder, name: &str, help: &str, value: u64) -> fmt::Result {
    encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
}

pub(super) fn counter(metric: &mut MetricEncoder, value: u64) -> fmt::Result {
    metric.encode_counter(&value, None::<&Exemplar<NoLabels, u64>>)
}

/// The engine counts cumulatively, the encoder wants each bucket's own count.
pub(super) fn histogram(metric: &mut MetricEncoder, h: &HistogramSnapshot) -> fmt::Result {
    let mut below = 0;
    let buckets: Vec<_> = h
        .buckets
        .iter()
        .map(|(bound, cumulative)| (*bound, cumulative - std::mem::replace(&mut below, *cumulative)))
        .collect();
    metric.encode_histogram::<NoLabels>(h.sum.as_secs_f64(), h.count, &buckets, None)
}
