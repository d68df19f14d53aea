//! `bastion backup`: once through the cluster.

use std::{sync::Arc, time::Duration};

use bastion_sdk::core::{
    Category, Error,
    engine::Report,
    object::{GroupKind, ObjectId},
    pipeline::Stats,
    sink::Sink,
};

use crate::{
    app::App,
    args::{ReportFormat, TakeArgs},
    error::{CliError, Result},
    exit::Exit,
    output::{count, thousands},
    progress::Progress,
    report::backup::BackupReport,
    signals,
};

/// Save what changed, once
///
/// Lists the selected objects and saves the revisions that the repository does not have yet. Objects that
/// disappeared since the last run are recorded as deleted. Can run next to `bastion watch` and the controller.
#[derive(Debug, clap::Args)]
#[command(after_long_help = concat!("\
Examples:
  bastion backup                            # objects with backup/enabled: \"true\"
  bastion backup --all                      # everything
  bastion backup -n shop,mail               # two namespaces
  bastion backup --kinds deploy,cm -l app=web
  bastion backup --all --dry-run            # what would be saved

", crate::args::what_is_taken!()))]
pub(crate) struct Args {
    #[command(flatten)]
    take: TakeArgs,
    #[command(flatten)]
    tree: crate::args::TreeArgs,
    /// Say what would be saved, and write nothing (what would be written is kept in memory meanwhile)
    #[arg(long, conflicts_with = "tree")]
    dry_run: bool,
    /// Format of the report
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: ReportFormat,
}

pub(crate) async fn run(app: &App, args: Args) -> Result<Exit> {
    let spec = args.take.spec()?;
    let (session, dry_run) = if args.dry_run {
        let (session, written) = app.dry_run().await?;
        (session, Some(written))
    } else {
        (app.session(args.tree).await?, None)
    };
    let backup = session.backup(&spec).prepare().await?;
    let stop = signals::cancelled_by_signal()?;
    let progress = Progress::start("reading the cluster");
    let report = follow(backup.stats(), &progress, backup.run(stop)).await;
    progress.clear();
    let mut report = report?;
    if report.kinds.is_empty() && !report.undiscovered.is_empty() {
        return Err(unknown(report.undiscovered.swap_remove(0).error));
    }
    if session.repo().keeps_tree() {
        let progress = Progress::start("writing tree/");
        session.update_views().await;
        progress.clear();
    }
    let mut shown = BackupReport::new(session.name(), &spec.selection.policy_name(), &report);
    if let Some(written) = dry_run {
        shown = shown.dry_run(written.report());
    }
    if nothing(&report) {
        let missing = missing(&*session.sink(), &args.take.namespaces).await;
        let hint = if missing.is_empty() {
            args.take.hint()
        } else {
            format!("the cluster has no namespace {}; `kubectl get namespaces` lists those it has", missing.join(", "))
        };
        return Err(CliError::NothingMatched { what: shown.nothing(), hint });
    }
    app.out.report(args.output, &shown)?;
    Ok(match () {
        () if report.cancelled => Exit::Interrupted,
        () if report.is_complete() => Exit::Ok,
        () => Exit::Partial,
    })
}

/// A kind that is not served matches nothing; anything else is what it is.
fn unknown(error: Error) -> CliError {
    match &error {
        Error::Source(e) if e.category == Category::Invalid => CliError::NothingMatched {
            what: e.to_string(),
            hint: "`kubectl api-resources` lists the kinds that the cluster serves".to_owned(),
        },
        _ => error.into(),
    }
}

/// Those of the asked-for namespaces that the cluster does not have; empty where it cannot be asked.
async fn missing(sink: &dyn Sink, namespaces: &[String]) -> Vec<String> {
    let namespace = GroupKind::new("", "Namespace");
    let Ok(Some(kind)) = sink.resolve(&namespace, "v1").await else { return Vec::new() };
    let mut missing = Vec::new();
    for name in namespaces {
        if let Ok(None) = sink.get(&kind, &ObjectId::new(&namespace, "", name.as_str())).await {
            missing.push(name.clone());
        }
    }
    missing
}

/// Whether there was nothing to do, and never had been: what vanished is something.
fn nothing(report: &Report) -> bool {
    report.is_complete() && report.total(|k| k.selected + k.changed + k.deleted + k.released) == 0
}

/// Shows what is counted until the run ends.
async fn follow<T>(stats: Arc<Stats>, progress: &Progress, run: impl Future<Output = T>) -> T {
    let mut run = std::pin::pin!(run);
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            done = &mut run => return done,
            _ = tick.tick() => progress.say(|| {
                let s = stats.snapshot();
                let (seen, saved) = s.kinds.values().fold((0, 0), |(e, c), k| (e + k.events, c + k.committed));
                format!("{} of {}, {} saved", count(seen, "object"), count(s.kinds.len() as u64, "kind"), thousands(saved))
            }),
        }
    }
}
