//! The lead: won on a Lease, fenced by the log's epochs, given back on the way out.

use std::{sync::Arc, time::Duration};

use bastion_core::{
    engine::{Engine, Report},
    error::chain,
    pipeline::StatsSnapshot,
    repository::{Head, WriterOptions},
};
use bastion_k8s::{Client, Leadership, Lease, LogEnd, WatchSource};
use bastion_sdk::process::Health;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    config::Config,
    run::{Exit, Fatal, Reached},
    view::View,
};

/// The role of the controller's writers in the log: of one role, only the newest may write.
const ROLE: &str = "controller";

/// How often the log's end goes to the Lease, which is renewed no more often.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Leads whenever it may, until `stop`.
pub(crate) async fn lead(
    config: &Config,
    client: &Client,
    reached: Reached,
    health: &Health,
    stop: &CancellationToken,
) -> Result<Exit, Fatal> {
    let lease = Lease::new(client.clone(), config.lease_options())?;
    loop {
        info!("waits for the lead");
        let Some(leadership) = lease.acquire(stop).await? else { return Ok(Exit::Ok) };
        info!("leads");
        health.set_loading();
        let result = term(config, client, &reached, health, stop, &leadership).await;
        health.set_standby();
        let lost = leadership.lost().is_cancelled();
        leadership.release().await;
        let report = result?;
        if stop.is_cancelled() {
            let flushed = report.is_none_or(|r| r.flushed);
            return Ok(if flushed { Exit::Ok } else { Exit::Partial });
        }
        if lost {
            warn!("lost the lead; stands by");
        }
    }
}

/// One term of leading: a writer, an engine, until told to stop or the lead is lost. `None` if that happened
/// before the engine ran.
async fn term(
    config: &Config,
    client: &Client,
    reached: &Reached,
    health: &Health,
    stop: &CancellationToken,
    leadership: &Leadership,
) -> Result<Option<Report>, Fatal> {
    let lost = leadership.lost();
    let mut options = WriterOptions::new(&reached.uid, ROLE).fenced(true);
    if let Some(objects) = config.engine.index_objects {
        options = options.index_capacity(objects);
    }
    let writer = tokio::select! {
        writer = reached.repo.writer(&reached.cluster, options) => writer?,
        () = stop.cancelled() => return Ok(None),
        () = lost.cancelled() => return Ok(None),
    };
    compare(leadership, writer.head(), health);
    tell(leadership, writer.head());
    let source = Arc::new(WatchSource::new(client.clone(), config.selection()?)?);
    let engine = Engine::new(source, writer, config.engine_options()?);
    let stats = engine.stats();
    health.set_leading(stats.clone());
    let cancel = CancellationToken::new();
    let mut run = std::pin::pin!(engine.run(cancel.clone()));
    let view = View::start(config, reached);
    let mut tick = tokio::time::interval(TELL_EVERY);
    let mut began = false;
    let result = loop {
        tokio::select! {
            report = &mut run => break report,
            () = stop.cancelled(), if !cancel.is_cancelled() => cancel.cancel(),
            () = lost.cancelled(), if !cancel.is_cancelled() => cancel.cancel(),
            _ = tick.tick() => {
                if let Some(head) = stats.head() {
                    tell(leadership, &head);
                }
                if !began && health.ready().is_ok() {
                    began = true;
                    follows(&stats.snapshot());
                }
            }
        }
    };
    view.finish().await;
    let report = result?;
    tell(leadership, &report.head);
    summary(&report);
    Ok(Some(report))
}

/// Notes the log's end on the Lease.
fn tell(leadership: &Leadership, head: &Head) {
    leadership.set_log_end(LogEnd { number: head.number, digest: head.digest.to_string() });
}

/// Segments that were cut off at the end do not show from inside the log: the Lease remembers.
fn compare(leadership: &Leadership, head: &Head, health: &Health) {
    let Some(then) = leadership.previous_log_end() else { return };
    let same = head.number > then.number || (head.number == then.number && head.digest.to_string() == then.digest);
    if !same {
        health.set_log_truncated();
        error!(
            expected = then.number,
            found = head.number,
            "the log ends before what the last leader had written: its newest commits were lost or another \
             repository is used; what the cluster still has is saved again"
        );
    }
}

/// One line that says that all is well, or what is not.
fn follows(stats: &StatsSnapshot) {
    let failing: Vec<_> =
        stats.kinds.iter().filter(|(_, k)| k.error.is_some()).map(|(kind, _)| kind.to_string()).collect();
    info!(
        kinds = stats.kinds.len(),
        skipped = stats.skipped.len(),
        saved = stats.kinds.values().map(|k| k.committed).sum::<u64>(),
        failing = failing.join(", "),
        "follows the cluster"
    );
}

fn summary(report: &Report) {
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
            warn!(%kind, category = e.category().as_str(), "could not be read: {}", chain(e));
        }
    }
}
