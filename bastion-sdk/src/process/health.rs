//! What a process knows about the backup it runs: written by the backup, read by probes and metrics.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bastion_core::pipeline::{KindPhase, Stats, StatsSnapshot};
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

use crate::metrics;

/// The health of a continuous backup; clones share it.
///
/// ```
/// use bastion_sdk::process::Health;
///
/// let health = Health::default();
/// assert!(health.ready().is_err());
/// health.set_standby();
/// assert_eq!(health.ready(), Ok("standby"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug, Clone, Default)]
struct State {
    role: Role,
    log_truncated: bool,
}

/// What the process does now.
#[derive(Debug, Clone, Default)]
enum Role {
    /// Cluster or repository were not reached yet.
    #[default]
    Connecting,
    /// Another process leads; this one can take over.
    Standby,
    /// The log is being read before the first event.
    Loading,
    /// The engine runs.
    Leading(Arc<Stats>),
}

impl Health {
    /// Cluster and repository were reached, and another process may lead. The numbers of the last term go with it:
    /// nobody here can do anything about the age of what it could not save.
    pub fn set_standby(&self) {
        self.state().role = Role::Standby;
    }

    /// This process leads, and loads the log.
    pub fn set_loading(&self) {
        self.state().role = Role::Loading;
    }

    /// This process leads, and its engine runs.
    pub fn set_leading(&self, stats: Arc<Stats>) {
        self.state().role = Role::Leading(stats);
    }

    /// The log ends before the last commit that the previous leader knew of.
    pub fn set_log_truncated(&self) {
        self.state().log_truncated = true;
    }

    /// Whether this process can do its part, as `/readyz` says it: `standby` or `leading`, or what it still waits
    /// for. A leader is ready once every kind that may be read was reached.
    ///
    /// # Errors
    ///
    /// A phrase for people.
    pub fn ready(&self) -> Result<&'static str, String> {
        let role = self.state().role.clone();
        match role {
            Role::Connecting => Err("the cluster or the repository has not been reached yet".to_owned()),
            Role::Standby => Ok("standby"),
            Role::Loading => Err("reading the log".to_owned()),
            Role::Leading(stats) => ready(&stats.snapshot()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A kind that cannot be read does not make a leader unready (a metric and the log name it), unless none can.
fn ready(stats: &StatsSnapshot) -> Result<&'static str, String> {
    let starting = || stats.kinds.values().filter(|k| k.phase == KindPhase::Starting);
    let (waiting, all) = (starting().filter(|k| k.error.is_none()).count(), stats.kinds.len());
    match (all, waiting) {
        (0, _) => Err("discovering kinds".to_owned()),
        (_, 0) if starting().count() < all => Ok("leading"),
        (_, 0) => Err("no kind can be read".to_owned()),
        (_, n) => Err(format!("{n} kinds were not reached yet")),
    }
}

/// `leader` and `log_truncated`, and the engine's numbers while this process leads.
impl Collector for Health {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let State { role, log_truncated } = self.state().clone();
        let (leading, stats) = match role {
            Role::Connecting | Role::Standby => (false, None),
            Role::Loading => (true, None),
            Role::Leading(stats) => (true, Some(stats)),
        };
        metrics::gauge(&mut encoder, "leader", "Whether this process leads", leading.into())?;
        metrics::gauge(
            &mut encoder,
            "log_truncated",
            "Whether the log ends before the last commit of the previous leader",
            log_truncated.into(),
        )?;
        stats.map_or(Ok(()), |stats| metrics::encode(&mut encoder, &stats.snapshot()))
    }
}

#[cfg(test)]
mod tests {
    use bastion_core::{Error, error::Failure, object::GroupKind, pipeline::KindSnapshot};

    use super::*;

    #[test]
    fn a_kind_that_may_not_be_read_does_not_hold_up_the_others() {
        let kind = |phase, error: Option<&str>| {
            let mut kind = KindSnapshot::default();
            kind.phase = phase;
            kind.error = error.map(|why| Failure::from(&Error::Invalid(why.to_owned())));
            kind
        };
        let with = |kinds: &[(&str, KindSnapshot)]| {
            let mut stats = StatsSnapshot::default();
            stats.kinds = kinds.iter().map(|(name, k)| (GroupKind::new("", *name), k.clone())).collect();
            ready(&stats)
        };
        let (pods, denied) = (kind(KindPhase::Following, None), kind(KindPhase::Starting, Some("access was denied")));
        assert_eq!(with(&[("Pod", pods.clone()), ("Node", denied.clone())]), Ok("leading"));
        assert_eq!(with(&[("Pod", denied)]), Err("no kind can be read".to_owned()));
        assert_eq!(
            with(&[("Pod", pods), ("Node", kind(KindPhase::Starting, None))]),
            Err("1 kinds were not reached yet".to_owned())
        );
    }

    #[test]
    fn a_standby_is_ready_and_a_leader_only_with_its_kinds() {
        let health = Health::default();
        assert!(health.ready().is_err());
        health.set_standby();
        assert_eq!(health.ready(), Ok("standby"));
        health.set_loading();
        assert_eq!(health.ready(), Err("reading the log".to_owned()));
    }
}
