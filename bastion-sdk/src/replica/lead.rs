//! Continuous backup by one of several processes: led by a Lease, fenced by the log's epochs.

use std::time::Duration;

use bastion_core::{engine::Report, error::chain, pipeline::StatsSnapshot, repository::Head};
use bastion_k8s::{Leadership, Lease, LogEnd};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{error::Result, process::Health, session::Session, spec::BackupSpec, views::Kept};

/// How often the end of the log is noted on the Lease, which is renewed no more often.
const NOTE_EVERY: Duration = Duration::from_secs(2);

/// How often `tree/` is brought up to date, if the repository keeps it.
const VIEWS_EVERY: Duration = Duration::from_secs(5);

/// One of several processes that keep a cluster backed up: it works while it holds a Lease, and stands by otherwise.
///
/// The Lease only saves work. What keeps two leaders from writing to one log is the log itself: of one
/// [role](BackupSpec::role) only the newest writer may commit. The Lease also remembers where the log ended, so that a
/// new leader finds out when commits at its end were lost.
///
/// ```no_run
/// use bastion_sdk::{
///     CancellationToken, Session,
///     k8s::{Client, Lease, LeaseOptions},
///     process::{Health, pod_identity},
///     replica::Replica,
///     spec::BackupSpec,
/// };
///
/// # async fn back_up(client: Client, session: Session, shutdown: CancellationToken) -> bastion_sdk::Result<()> {
/// let lease = LeaseOptions::new("portal", "portal-backup", pod_identity("portal"));
/// let lease = Lease::new(client, lease)?;
/// let replica = Replica::new(session, BackupSpec::all().role("portal"), lease, Health::default());
/// replica.run(&shutdown).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Replica {
    session: Session,
    backup: BackupSpec,
    lease: Lease,
    health: Health,
}

impl Replica {
    /// A replica that does the backup `backup` while it holds `lease`, and reports to `health`.
    pub fn new(session: Session, backup: BackupSpec, lease: Lease, health: Health) -> Self {
        Self { session, backup, lease, health }
    }

    /// Leads whenever it may, until `shutdown`. Then what is under way is saved, and the Lease is released, so that
    /// another replica takes over at once.
    ///
    /// Returns the report of the last term, if this process led when it was shut down:
    /// [`flushed`](Report::flushed) tells whether everything could be saved in time.
    ///
    /// # Errors
    ///
    /// What the backup cannot get over, among it a newer writer of the same role; and a Lease that may not be read or
    /// written. A Lease that is merely lost is no error: the replica stands by again.
    pub async fn run(&self, shutdown: &CancellationToken) -> Result<Option<Report>> {
        self.health.set_standby();
        loop {
            info!("waiting to become the leader");
            let Some(leadership) = self.lease.acquire(shutdown).await? else { return Ok(None) };
            info!("leading");
            self.health.set_loading();
            let (report, views) = self.term(&leadership, shutdown).await;
            self.health.set_standby();
            let lost = leadership.lost().is_cancelled();
            // Who lost the Lease leaves the views to the next leader at once; who gives it away finishes them first. Two
            // writers of one view could leave it older than its saved position.
            match views {
                Some(views) if !lost => views.finish().await,
                views => drop(views),
            }
            leadership.release().await;
            let report = report?;
            if shutdown.is_cancelled() {
                return Ok(report);
            }
            if lost {
                warn!("lost leadership; standing by");
            }
        }
    }

    /// One term: a backup until `shutdown`, or until the Lease is lost. `None` if that was before it ran.
    async fn term(
        &self,
        leadership: &Leadership,
        shutdown: &CancellationToken,
    ) -> (Result<Option<Report>>, Option<Kept>) {
        let lost = leadership.lost();
        let over = async {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = lost.cancelled() => {}
            }
        };
        let mut over = std::pin::pin!(over);
        let backup = tokio::select! {
            backup = self.session.follow(&self.backup).views_every(VIEWS_EVERY).prepare() => match backup {
                Ok(backup) => backup,
                Err(e) => return (Err(e), None),
            },
            () = &mut over => return (Ok(None), None),
        };
        let end = log_end(backup.head());
        self.check_log_end(leadership, &end);
        leadership.set_log_end(end);
        let stats = backup.stats();
        self.health.set_leading(stats.clone());

        let cancel = CancellationToken::new();
        let mut run = std::pin::pin!(backup.run_engine(cancel.clone()));
        let mut tick = tokio::time::interval(NOTE_EVERY);
        let mut announced = false;
        let (report, views) = loop {
            tokio::select! {
                ended = &mut run => break ended,
                () = &mut over, if !cancel.is_cancelled() => cancel.cancel(),
                _ = tick.tick() => {
                    if let Some(head) = stats.head() {
                        leadership.set_log_end(log_end(&head));
                    }
                    if !announced && self.health.ready().is_ok() {
                        announced = true;
                        report_start(&stats.snapshot());
                    }
                }
            }
        };
        if let Ok(report) = &report {
            leadership.set_log_end(log_end(&report.head));
            report_end(report);
        }
        (report.map(Some), views)
    }

    /// Commits that were lost at the end of the log do not show from inside it: the Lease remembers them.
    fn check_log_end(&self, leadership: &Leadership, found: &LogEnd) {
        let Some(expected) = leadership.previous_log_end() else { return };
        if !continues(expected, found) {
            self.health.set_log_truncated();
            error!(
                expected = expected.number,
                found = found.number,
                "the log ends before what the last leader had written: its newest commits were lost, or this is \
                 another repository; what the cluster still has is saved again"
            );
        }
    }
}

/// Whether a log that ends here has everything that it had when it ended `then`.
fn continues(then: &LogEnd, now: &LogEnd) -> bool {
    now.number > then.number || now == then
}

fn log_end(head: &Head) -> LogEnd {
    LogEnd { number: head.number, digest: head.digest.to_string() }
}

/// One line that says that all is well, or what is not.
fn report_start(stats: &StatsSnapshot) {
    let failing: Vec<_> =
        stats.kinds.iter().filter(|(_, k)| k.error.is_some()).map(|(kind, _)| kind.to_string()).collect();
    info!(
        kinds = stats.kinds.len(),
        skipped = stats.skipped.len(),
        saved = stats.kinds.values().map(|k| k.committed).sum::<u64>(),
        failing = failing.join(", "),
        "watching the cluster"
    );
}

fn report_end(report: &Report) {
    info!(
        changed = report.total(|k| k.changed),
        deleted = report.total(|k| k.deleted),
        released = report.total(|k| k.released),
        failed = report.total(|k| k.failed),
        segment = report.head.number,
        flushed = report.flushed,
        "the engine stopped"
    );
    for (kind, of_kind) in &report.kinds {
        if let Some(e) = &of_kind.error {
            warn!(%kind, category = e.category().as_str(), "cannot read the kind: {}", chain(e));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_lost_its_end_does_not_continue() {
        let end = |number, digest: &str| LogEnd { number, digest: digest.to_owned() };
        let then = end(7, "seven");
        assert!(continues(&then, &then));
        assert!(continues(&then, &end(8, "eight")));
        assert!(!continues(&then, &end(6, "six")), "cut off");
        assert!(!continues(&then, &end(7, "other")), "another log");
    }
}
