//! The numbers of the engine as a whole.

use std::{fmt, time::Duration};

use bastion_core::pipeline::StatsSnapshot;
use prometheus_client::{encoding::DescriptorEncoder, metrics::MetricType, registry::Unit};

use super::encoding::{counter, gauge, histogram};

pub(super) fn encode(encoder: &mut DescriptorEncoder, stats: &StatsSnapshot) -> fmt::Result {
    let e = &stats.engine;
    for (name, help, value) in [
        ("commits", "Commits with records", e.commits),
        ("position_commits", "Commits with positions only", e.position_commits),
        ("commit_failures", "Failed attempts to commit", e.failures),
        ("stale_records", "Records dropped because another writer was faster", e.stale),
    ] {
        counter(&mut encoder.encode_descriptor(name, help, None, MetricType::Counter)?, value)?;
    }
    counter(
        &mut encoder.encode_descriptor(
            "stored",
            "Segments and packs written",
            Some(&Unit::Bytes),
            MetricType::Counter,
        )?,
        e.stored_bytes,
    )?;
    gauge(encoder, "commit_failing", "Whether the last attempt to commit failed", e.error.is_some().into())?;
    gauge(encoder, "segment", "Number of the last commit", e.revision)?;
    gauge(encoder, "incarnation", "Incarnation of the log", e.incarnation.into())?;
    gauge(encoder, "skipped_kinds", "Kinds that exist and are not followed", stats.skipped.len() as u64)?;
    encoder
        .encode_descriptor("in_flight", "Bodies waiting for a commit or in one", Some(&Unit::Bytes), MetricType::Gauge)?
        .encode_gauge(&e.bytes_in_flight)?;
    let mut commit =
        encoder.encode_descriptor("commit", "Duration of commits", Some(&Unit::Seconds), MetricType::Histogram)?;
    histogram(&mut commit, &e.commit_seconds)?;
    let at = e.committed_at.map_or(0.0, |t| Duration::from_millis(t.as_millis().unsigned_abs()).as_secs_f64());
    encoder
        .encode_descriptor(
            "last_commit_timestamp",
            "When the last commit became durable",
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?
        .encode_gauge(&at)
}
