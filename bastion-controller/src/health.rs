//! What the process knows of itself: read by the probes and by `/metrics`.

use std::sync::{
    Arc, Mutex, PoisonError,
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

    /// We lead, or no longer.
    pub(crate) fn set_leading(&self, leading: bool) {
        self.leading.store(leading, Relaxed);
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

    /// The counters of the engine that runs now. They stay readable after it stopped.
    pub(crate) fn set_stats(&self, stats: Arc<Stats>) {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner) = Some(stats);
    }

    /// What was counted; nothing before we led for the first time.
    pub(crate) fn stats(&self) -> Option<Snapshot> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|s| s.snapshot())
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
        let starting = stats.kinds.values().filter(|k| k.phase == Phase::Starting).count();
        match (stats.kinds.is_empty(), starting) {
            (true, _) => Err("kinds are being discovered".to_owned()),
            (false, 0) => Ok("leading"),
            (false, n) => Err(format!("{n} kinds were not reached yet")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
