//! What the process knows of itself: read by the probes and by `/metrics`.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use bastion_core::pipeline::{Phase, Snapshot, Stats};

/// Shared by everything that runs.
#[derive(Debug, Default)]
pub(crate) struct Health {
    connected: AtomicBool,
    leading: AtomicBool,
    /// The log ends before the place that the last leader had written to.
    truncated: AtomicBool,
    stats: Mutex<Option<Arc<Stats>>>,
}

impl Health {
    /// Cluster and repository were reached.
    pub(crate) fn set_connected(&self) {
        self.connected.store(true, Relaxed);
    }

    /// We lead, or no longer. What a term counted ends with it: the age of what it could not save would grow for
    /// ever, and nobody could mend it here.
    pub(crate) fn set_leading(&self, leading: bool) {
        *self.engine() = None;
        self.leading.store(leading, Relaxed);
    }

    fn engine(&self) -> MutexGuard<'_, Option<Arc<Stats>>> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether we lead.
    pub(crate) fn leading(&self) -> bool {
        self.leading.load(Relaxed)
    }

    /// The log lost its end.
    pub(crate) fn set_truncated(&self) {
        self.truncated.store(true, Relaxed);
    }

    /// Whether the log lost its end.
    pub(crate) fn truncated(&self) -> bool {
        self.truncated.load(Relaxed)
    }

    /// The counters of the engine that runs now.
    pub(crate) fn set_stats(&self, stats: Arc<Stats>) {
        *self.engine() = Some(stats);
    }

    /// What is counted; nothing where we do not lead.
    pub(crate) fn stats(&self) -> Option<Snapshot> {
        self.engine().as_ref().map(|s| s.snapshot())
    }

    /// Whether we can do our part: a standby that could take over is ready, too. A leader is once every kind
    /// was reached.
    pub(crate) fn ready(&self) -> Result<&'static str, String> {
        if !self.connected.load(Relaxed) {
            return Err("cluster or repository were not reached yet".to_owned());
        }
        if !self.leading() {
            return Ok("standby");
        }
        let Some(stats) = self.stats() else { return Err("the log is being read".to_owned()) };
        ready_with(&stats)
    }
}

/// A kind that cannot be read does not make a leader unready (a metric and the log name it), unless none can.
fn ready_with(stats: &Snapshot) -> Result<&'static str, String> {
    let starting = || stats.kinds.values().filter(|k| k.phase == Phase::Starting);
    let (waiting, all) = (starting().filter(|k| k.error.is_none()).count(), stats.kinds.len());
    match (all, waiting) {
        (0, _) => Err("kinds are being discovered".to_owned()),
        (_, 0) if starting().count() < all => Ok("leading"),
        (_, 0) => Err("no kind can be read".to_owned()),
        (_, n) => Err(format!("{n} kinds were not reached yet")),
    }
}

#[cfg(test)]
mod tests {
    use bastion_core::{object::GroupKind, pipeline::KindSnapshot};

    use super::*;

    #[test]
    fn a_kind_that_may_not_be_read_does_not_hold_up_the_others() {
        let kind = |phase, error: Option<&str>| KindSnapshot {
            phase,
            error: error.map(str::to_owned),
            ..KindSnapshot::default()
        };
        let with = |kinds: &[(&str, KindSnapshot)]| {
            let kinds = kinds.iter().map(|(name, k)| (GroupKind::new("", *name), k.clone())).collect();
            ready_with(&Snapshot { kinds, ..Snapshot::default() })
        };
        let (pods, denied) = (kind(Phase::Following, None), kind(Phase::Starting, Some("access was denied")));
        assert_eq!(with(&[("Pod", pods.clone()), ("Node", denied.clone())]), Ok("leading"));
        assert_eq!(with(&[("Pod", denied)]), Err("no kind can be read".to_owned()));
        assert_eq!(
            with(&[("Pod", pods), ("Node", kind(Phase::Starting, None))]),
            Err("1 kinds were not reached yet".to_owned())
        );
    }

    #[test]
    fn a_standby_is_ready_and_a_leader_only_with_its_kinds() {
        let health = Health::default();
        assert!(health.ready().is_err());
        health.set_connected();
        assert_eq!(health.ready(), Ok("standby"));
        health.set_leading(true);
        assert_eq!(health.ready(), Err("the log is being read".to_owned()));
    }
}
