//! The numbers of each kind, labelled `kind`.

use std::fmt;

use bastion_core::pipeline::{KindSnapshot, StatsSnapshot};
use prometheus_client::{
    encoding::{DescriptorEncoder, MetricEncoder},
    metrics::MetricType,
    registry::Unit,
};

use super::encoding::{counter, histogram};

/// Reads a number of a kind.
type Read = fn(&KindSnapshot) -> u64;

/// Name and help of a number of a kind, and how to read it.
type OfKind = (&'static str, &'static str, Read);

/// Counters of each kind; `_total` is added to the names.
const COUNTERS: &[OfKind] = &[
    ("events", "Events received for objects", |k| k.events),
    ("hashed", "Bodies sanitized and hashed", |k| k.hashed),
    ("unchanged", "Events whose content was already in the log", |k| k.unchanged),
    ("changed", "Objects whose content was found changed", |k| k.changed),
    ("deleted", "Objects found deleted", |k| k.deleted),
    ("released", "Objects found to be no longer selected", |k| k.released),
    ("committed", "Records that became durable", |k| k.committed),
    ("failed_objects", "Objects that could not be read or sanitized", |k| k.failed),
    ("errors", "Errors while the kind was read", |k| k.errors),
    ("coalesced", "Events replaced by a newer one before they were processed", |k| k.coalesced),
    ("reread", "Bodies dropped for lack of memory and read again", |k| k.reread),
    ("lists", "Complete lists", |k| k.lists),
];

/// Gauges of each kind.
const GAUGES: &[OfKind] = &[
    ("queue_objects", "Objects waiting for a worker", |k| k.queue_objects),
    ("workers", "Workers", |k| k.workers),
    ("withheld_deletions", "Deletions waiting to be accepted", |k| k.withheld),
    ("failing", "Whether the kind cannot be read now; the log says why", |k| k.error.is_some().into()),
];

/// States of an object between an observation and its end, as in the engine.
const STATES: &[(&str, Read)] =
    &[("hashed", |k| k.in_hashed), ("changed", |k| k.in_changed), ("backup", |k| k.in_backup)];

pub(super) fn encode(encoder: &mut DescriptorEncoder, stats: &StatsSnapshot) -> fmt::Result {
    for (name, help, read) in COUNTERS {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        each(&mut family, stats, |metric, kind| counter(metric, read(kind)))?;
    }
    let mut family = encoder.encode_descriptor(
        "committed",
        "Size of the bodies of durable records",
        Some(&Unit::Bytes),
        MetricType::Counter,
    )?;
    each(&mut family, stats, |metric, kind| counter(metric, kind.bytes))?;
    for (name, help, read) in GAUGES {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        each(&mut family, stats, |metric, kind| metric.encode_gauge(&read(kind)))?;
    }
    let mut family =
        encoder.encode_descriptor("queue", "Bodies waiting for a worker", Some(&Unit::Bytes), MetricType::Gauge)?;
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
    let mut family = encoder.encode_descriptor("objects_in", "Objects in each state", None, MetricType::Gauge)?;
    for (kind, numbers) in &stats.kinds {
        for (state, read) in STATES {
            let labels = [("kind", kind.to_string()), ("state", (*state).to_owned())];
            family.encode_family(&labels)?.encode_gauge(&read(numbers))?;
        }
    }
    let mut family =
        encoder.encode_descriptor("phase", "What the pipeline of a kind is doing", None, MetricType::Gauge)?;
    for (kind, numbers) in &stats.kinds {
        let labels = [("kind", kind.to_string()), ("phase", numbers.phase.as_str().to_owned())];
        family.encode_family(&labels)?.encode_gauge(&1_u64)?;
    }
    let mut family = encoder.encode_descriptor(
        "commit_latency",
        "From seeing a change until it was durable",
        Some(&Unit::Seconds),
        MetricType::Histogram,
    )?;
    each(&mut family, stats, |metric, kind| histogram(metric, &kind.latency))?;
    Ok(())
}

/// One line for each kind.
fn each(
    family: &mut MetricEncoder,
    stats: &StatsSnapshot,
    mut encode: impl FnMut(&mut MetricEncoder, &KindSnapshot) -> fmt::Result,
) -> fmt::Result {
    for (kind, numbers) in &stats.kinds {
        encode(&mut family.encode_family(&[("kind", kind.to_string())])?, numbers)?;
    }
    Ok(())
}
