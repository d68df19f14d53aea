//! `/metrics` in the `OpenMetrics` format, read from the engine's own counters at each scrape.

use std::{fmt, sync::Arc};

use bastion_core::pipeline::{HistogramSnapshot, KindSnapshot, Snapshot};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, text},
    metrics::{MetricType, exemplar::Exemplar},
    registry::{Registry, Unit},
};

use crate::health::Health;

/// What `/metrics` answers with.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Reads a number of a kind.
type Read = fn(&KindSnapshot) -> u64;

/// Name and help of a number of a kind, and how to read it.
type OfKind = (&'static str, &'static str, Read);

/// Counters of each kind; `_total` is added to the names.
const COUNTERS: &[OfKind] = &[
    ("events", "Observations of objects", |k| k.events),
    ("hashed", "Bodies that were hashed", |k| k.hashed),
    ("unchanged", "Observations that were in the log already", |k| k.unchanged),
    ("changed", "Objects whose content was found changed", |k| k.changed),
    ("deleted", "Objects found deleted", |k| k.deleted),
    ("released", "Objects found to be no longer selected", |k| k.released),
    ("committed", "Records that became durable", |k| k.committed),
    ("failed_objects", "Objects that could not be read or cleaned", |k| k.failed),
    ("errors", "Errors while the kind was read", |k| k.errors),
    ("coalesced", "Observations replaced by a newer one before they were looked at", |k| k.coalesced),
    ("reread", "Bodies that were let go and read again", |k| k.reread),
    ("lists", "Lists that were read to the end", |k| k.lists),
];

/// Gauges of each kind.
const GAUGES: &[OfKind] = &[
    ("queue_objects", "Objects that wait for a worker", |k| k.queue_objects),
    ("workers", "Workers", |k| k.workers),
    ("withheld_deletions", "Deletions that wait to be accepted", |k| k.withheld),
    ("failing", "Whether the kind cannot be read now; the log says why", |k| k.error.is_some().into()),
];

/// States of an object between an observation and its end, as in the engine.
const STATES: &[(&str, Read)] =
    &[("hashed", |k| k.in_hashed), ("changed", |k| k.in_changed), ("backup", |k| k.in_backup)];

/// Everything that is served at `/metrics`.
#[derive(Debug)]
pub(crate) struct Metrics(Registry);

impl Metrics {
    /// Reads from what the process knows of itself.
    pub(crate) fn new(health: Arc<Health>) -> Self {
        let mut registry = Registry::with_prefix("bastion");
        registry.register_collector(Box::new(FromHealth(health)));
        Self(registry)
    }

    /// The text of a scrape.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.0)?;
        Ok(out)
    }
}

#[derive(Debug)]
struct FromHealth(Arc<Health>);

impl Collector for FromHealth {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        gauge(&mut encoder, "leader", "Whether this process leads", self.0.leading().into())?;
        gauge(
            &mut encoder,
            "log_truncated",
            "Whether the log ends before what the last leader had written",
            self.0.truncated().into(),
        )?;
        match self.0.stats() {
            Some(stats) => snapshot(&mut encoder, &stats),
            None => Ok(()),
        }
    }
}

fn snapshot(encoder: &mut DescriptorEncoder, stats: &Snapshot) -> fmt::Result {
    for (name, help, read) in COUNTERS {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        each(&mut family, stats, |metric, kind| counter(metric, read(kind)))?;
    }
    let mut family = encoder.encode_descriptor(
        "committed",
        "Bodies of records that became durable",
        Some(&Unit::Bytes),
        MetricType::Counter,
    )?;
    each(&mut family, stats, |metric, kind| counter(metric, kind.bytes))?;
    for (name, help, read) in GAUGES {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        each(&mut family, stats, |metric, kind| metric.encode_gauge(&read(kind)))?;
    }
    let mut family =
        encoder.encode_descriptor("queue", "Bodies that wait for a worker", Some(&Unit::Bytes), MetricType::Gauge)?;
    each(&mut family, stats, |metric, kind| metric.encode_gauge(&kind.queue_bytes))?;
    let mut family = encoder.encode_descriptor(
        "oldest_unsaved",
        "Age of the oldest change that is not durable yet",
        Some(&Unit::Seconds),
        MetricType::Gauge,
    )?;
    each(&mut family, stats, |metric, kind| {
        metric.encode_gauge(&kind.oldest_unsaved.unwrap_or_default().as_secs_f64())
    })?;
    let mut family = encoder.encode_descriptor("objects_in", "Objects in a state now", None, MetricType::Gauge)?;
    for (kind, numbers) in &stats.kinds {
        for (state, read) in STATES {
            let labels = [("kind", kind.to_string()), ("state", (*state).to_owned())];
            family.encode_family(&labels)?.encode_gauge(&read(numbers))?;
        }
    }
    let mut family = encoder.encode_descriptor("phase", "What a kind's pipeline does", None, MetricType::Gauge)?;
    for (kind, numbers) in &stats.kinds {
        let labels = [("kind", kind.to_string()), ("phase", numbers.phase.as_str().to_owned())];
        family.encode_family(&labels)?.encode_gauge(&1_u64)?;
    }
    let mut family = encoder.encode_descriptor(
        "commit_latency",
        "From the observation of a change until it was durable",
        Some(&Unit::Seconds),
        MetricType::Histogram,
    )?;
    each(&mut family, stats, |metric, kind| histogram(metric, &kind.latency))?;
    engine(encoder, stats)
}

fn engine(encoder: &mut DescriptorEncoder, stats: &Snapshot) -> fmt::Result {
    let e = &stats.engine;
    for (name, help, value) in [
        ("commits", "Commits that carried records", e.commits),
        ("position_commits", "Commits that carried positions only", e.position_commits),
        ("commit_failures", "Attempts to commit that failed", e.failures),
        ("stale_records", "Records left out because another writer was faster", e.stale),
    ] {
        counter(&mut encoder.encode_descriptor(name, help, None, MetricType::Counter)?, value)?;
    }
    counter(
        &mut encoder.encode_descriptor(
            "stored",
            "Segments and packs that were written",
            Some(&Unit::Bytes),
            MetricType::Counter,
        )?,
        e.stored_bytes,
    )?;
    gauge(encoder, "commit_failing", "Whether the last attempt to commit failed", e.error.is_some().into())?;
    gauge(encoder, "segment", "Number of the last commit", e.segment)?;
    gauge(encoder, "incarnation", "Incarnation of the log", e.incarnation.into())?;
    gauge(encoder, "skipped_kinds", "Kinds that exist and are not followed", stats.skipped.len() as u64)?;
    encoder
        .encode_descriptor(
            "in_flight",
            "Bodies that wait for a commit or are in one",
            Some(&Unit::Bytes),
            MetricType::Gauge,
        )?
        .encode_gauge(&e.bytes_in_flight)?;
    let mut commit =
        encoder.encode_descriptor("commit", "How long commits took", Some(&Unit::Seconds), MetricType::Histogram)?;
    histogram(&mut commit, &e.commit_seconds)?;
    let at =
        e.committed_at.map_or(0.0, |t| std::time::Duration::from_millis(t.as_millis().unsigned_abs()).as_secs_f64());
    encoder
        .encode_descriptor(
            "last_commit_timestamp",
            "When the last commit became durable",
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?
        .encode_gauge(&at)
}

/// One line for each kind.
fn each(
    family: &mut MetricEncoder,
    stats: &Snapshot,
    mut encode: impl FnMut(&mut MetricEncoder, &KindSnapshot) -> fmt::Result,
) -> fmt::Result {
    for (kind, numbers) in &stats.kinds {
        encode(&mut family.encode_family(&[("kind", kind.to_string())])?, numbers)?;
    }
    Ok(())
}

fn gauge(encoder: &mut DescriptorEncoder, name: &str, help: &str, value: u64) -> fmt::Result {
    encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
}

fn counter(metric: &mut MetricEncoder, value: u64) -> fmt::Result {
    metric.encode_counter(&value, None::<&Exemplar<[(String, String); 0], u64>>)
}

/// The engine counts cumulatively, the encoder wants each bucket's own.
fn histogram(metric: &mut MetricEncoder, h: &HistogramSnapshot) -> fmt::Result {
    let mut below = 0;
    let buckets: Vec<_> = h
        .buckets
        .iter()
        .map(|(bound, cumulative)| (*bound, cumulative - std::mem::replace(&mut below, *cumulative)))
        .collect();
    metric.encode_histogram::<[(String, String); 0]>(h.sum.as_secs_f64(), h.count, &buckets, None)
}

#[cfg(test)]
mod tests {
    use bastion_core::{object::GroupKind, pipeline::EngineSnapshot};
    use std::time::Duration;

    use super::*;

    #[derive(Debug)]
    struct Fixed(Snapshot);

    impl Collector for Fixed {
        fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
            snapshot(&mut encoder, &self.0)
        }
    }

    #[test]
    fn every_number_of_a_kind_has_its_line() -> fmt::Result {
        let latency = HistogramSnapshot {
            buckets: vec![(0.1, 1), (1.0, 3), (f64::INFINITY, 3)],
            count: 3,
            sum: Duration::from_millis(1500),
        };
        let kind = KindSnapshot {
            events: 7,
            committed: 3,
            bytes: 4100,
            workers: 2,
            oldest_unsaved: Some(Duration::from_millis(2500)),
            latency: latency.clone(),
            ..KindSnapshot::default()
        };
        let stats = Snapshot {
            kinds: [(GroupKind::new("apps", "Deployment"), kind)].into(),
            engine: EngineSnapshot { commits: 2, commit_seconds: latency, ..EngineSnapshot::default() },
            ..Snapshot::default()
        };
        let mut registry = Registry::with_prefix("bastion");
        registry.register_collector(Box::new(Fixed(stats)));
        let mut text = String::new();
        text::encode(&mut text, &registry)?;
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
        let page = std::fs::read_to_string(page).unwrap_or_default();
        for line in text.lines().filter_map(|l| l.strip_prefix("# TYPE ")) {
            let total = if line.ends_with(" counter") { "_total" } else { "" };
            let name = format!("`{}{total}`", line.split(' ').next().unwrap_or_default());
            assert!(page.contains(&name), "docs/operations.md does not explain {name}");
        }
        insta::assert_snapshot!(text);
        Ok(())
    }
}
