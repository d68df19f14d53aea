//! The collector that a registry asks.

use std::{fmt, sync::Arc};

use bastion_core::pipeline::{Stats, StatsSnapshot};
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

use super::{engine, kinds};

/// The numbers of an engine, as a collector for a registry.
///
/// The names carry no prefix: give the registry one. `docs/operations.md` lists them with the prefix `bastion`.
#[derive(Debug)]
pub struct EngineMetrics(Arc<Stats>);

impl EngineMetrics {
    /// Reads from what [`Engine::stats`](bastion_core::engine::Engine::stats) returns.
    #[must_use]
    pub fn new(stats: Arc<Stats>) -> Self {
        Self(stats)
    }
}

impl Collector for EngineMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        encode(&mut encoder, &self.0.snapshot())
    }
}

pub(crate) fn encode(encoder: &mut DescriptorEncoder, stats: &StatsSnapshot) -> fmt::Result {
    kinds::encode(encoder, stats)?;
    engine::encode(encoder, stats)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::time::Duration;

    use bastion_core::{
        object::GroupKind,
        pipeline::{HistogramSnapshot, KindSnapshot},
    };
    use prometheus_client::{encoding::text, registry::Registry};

    use super::*;

    #[derive(Debug)]
    struct Fixed(StatsSnapshot);

    impl Collector for Fixed {
        fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
            super::encode(&mut encoder, &self.0)
        }
    }

    #[test]
    fn every_number_of_a_kind_has_its_line() -> fmt::Result {
        let mut latency = HistogramSnapshot::default();
        latency.buckets = vec![(0.1, 1), (1.0, 3), (f64::INFINITY, 3)];
        latency.count = 3;
        latency.sum = Duration::from_millis(1500);
        let mut kind = KindSnapshot::default();
        (kind.events, kind.committed, kind.bytes, kind.workers) = (7, 3, 4100, 2);
        kind.oldest_unsaved = Some(Duration::from_millis(2500));
        kind.latency = latency.clone();
        let mut stats = StatsSnapshot::default();
        stats.kinds.insert(GroupKind::new("apps", "Deployment"), kind);
        stats.engine.commits = 2;
        stats.engine.commit_seconds = latency;
        let mut registry = Registry::with_prefix("bastion");
        registry.register_collector(Box::new(Fixed(stats)));
        let mut text = String::new();
        text::encode(&mut text, &registry)?;
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
        let page = std::fs::read_to_string(page).unwrap();
        for line in text.lines().filter_map(|l| l.strip_prefix("# TYPE ")) {
            let total = if line.ends_with(" counter") { "_total" } else { "" };
            let name = format!("`{}{total}`", line.split(' ').next().unwrap_or_default());
            assert!(page.contains(&name), "docs/operations.md does not explain {name}");
        }
        insta::assert_snapshot!(text);
        Ok(())
    }
}
