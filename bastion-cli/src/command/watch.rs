//! `bastion watch`: every change as it happens.

use std::time::Duration;

use bastion_sdk::spec::EngineSpec;
use tokio::sync::oneshot;

use crate::{
    app::App,
    args::{EventFormat, TakeArgs},
    error::Result,
    exit::Exit,
    report::events::{Event, Events},
    signals, when,
};

/// How long the last lines may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Save every change as it happens
///
/// Watches the selected objects and saves each change within moments. After a restart it continues where it
/// stopped, and also finds what was deleted in between. On Ctrl-C or SIGTERM it saves what is in flight and exits
/// with 0. If nobody reads its output any more, it logs that to stderr and keeps saving.
///
/// Only one `watch` writes to the log of a cluster at a time. If you start a second one, it takes over and the
/// first stops.
#[derive(Debug, clap::Args)]
#[command(after_long_help = concat!("\
Examples:
  bastion watch                             # objects with backup/enabled: \"true\"
  bastion watch --all
  bastion watch -n shop -o json | jq .      # one JSON document per commit
  bastion watch --all --commit-interval 10s # fewer, larger commits, if you pay per request

", crate::args::what_is_taken!()))]
pub(crate) struct Args {
    #[command(flatten)]
    take: TakeArgs,
    #[command(flatten)]
    tree: crate::args::TreeArgs,
    /// Format of the line for each commit
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: EventFormat,
    /// Wait at least this long between two commits [default: none]
    #[arg(long, value_name = "DURATION", value_parser = bastion_sdk::time::duration)]
    commit_interval: Option<Duration>,
}

pub(crate) async fn run(app: &App, args: Args) -> Result<Exit> {
    let mut spec = args.take.spec()?;
    if let Some(interval) = args.commit_interval {
        spec = spec.engine(EngineSpec::default().commit_interval(interval));
    }
    let session = app.session(args.tree).await?;
    let started = Event::Started {
        at: when::now(),
        cluster: session.name().to_owned(),
        policy: spec.selection.policy_name().to_string(),
    };
    let backup = session.follow(&spec).prepare().await?;
    let events = Events::new(backup.stats(), args.output);
    // Before anybody reads that it runs, and stops it.
    let stop = signals::cancelled_by_signal()?;
    let (end, ended) = oneshot::channel();
    let printing = tokio::spawn(events.follow(started, ended));
    let report = backup.run(stop).await;
    match &report {
        // Where the output is gone nobody listens; who does not read is not waited for.
        Ok(r) => drop(end.send(Event::Stopped { at: when::now(), revision: r.head.number, flushed: r.flushed })),
        Err(_) => drop(end),
    }
    let _ = tokio::time::timeout(LAST_WORDS, printing).await;
    let report = report?;
    Ok(if report.flushed { Exit::Ok } else { Exit::Partial })
}
