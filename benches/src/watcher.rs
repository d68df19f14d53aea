//! `bastion watch` as it is shipped, looked at from outside.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use bastion_tests::{Bastion, ControlPlane, Process, control_plane::Audited};
use rustix::process::Signal;

use crate::{
    Result,
    cluster::{self, Stage},
    log::{self, Watched},
    process::Usage,
};

/// How long anything may take before the bench gives up.
const PATIENCE: Duration = Duration::from_mins(10);

/// The same for its watches to begin.
const WATCHING: Duration = Duration::from_mins(5);

/// A running `bastion watch`.
#[derive(Debug)]
pub struct Watcher {
    /// Its process.
    pub process: Process,
    /// When it was started.
    pub started: Instant,
}

impl Watcher {
    /// Starts it on the kinds of the bench.
    pub fn start(bastion: &Bastion) -> Result<Self> {
        Self::start_with(bastion, &["--kinds", &cluster::selection()])
    }

    /// Starts it with these arguments.
    pub fn start_with(bastion: &Bastion, args: &[&str]) -> Result<Self> {
        let started = Instant::now();
        Ok(Self { process: bastion.start(&[&["watch"], args].concat())?, started })
    }

    /// Waits until the log holds so many revisions.
    pub async fn until_saved(&mut self, stage: &Stage, repository: &str, revisions: usize) -> Result<()> {
        let (started, mut pause) = (Instant::now(), Duration::from_millis(250));
        loop {
            self.process.check()?;
            let saved = log::segments(stage, repository).await?.len();
            if saved >= revisions {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("{saved} of {revisions} revisions are saved: {}", self.process.log_tail(20)).into());
            }
            tokio::time::sleep(pause).await;
            // Reading takes longer, the more there is.
            pause = (pause * 2).min(Duration::from_secs(4));
        }
    }

    /// Waits until nothing was written for that long.
    pub async fn until_quiet(&mut self, watched: &Watched, quiet: Duration) -> Result<()> {
        loop {
            self.process.check()?;
            if watched.last().unwrap_or(self.started).elapsed() > quiet {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the API server has begun to serve watches of so many kinds of the group; gives all that it was
    /// asked from that place of its audit log on. (That a watch ended says little: the one before left some open.)
    pub async fn until_watching(
        &mut self,
        cluster: &ControlPlane,
        mut place: u64,
        group: &str,
        kinds: usize,
    ) -> Result<Vec<Audited>> {
        let mut asked = Vec::new();
        loop {
            self.process.check()?;
            let (more, end) = cluster.audit_from(place)?;
            place = end;
            asked.extend(more.into_iter().filter(|r| r.agent.starts_with("bastion/")));
            let begun = asked.iter().filter(|r| r.verb == "watch" && r.stage == "ResponseStarted");
            let watched: BTreeSet<_> = begun.filter(|r| r.group == group).map(|r| &r.resource).collect();
            if watched.len() >= kinds {
                return Ok(asked);
            }
            if self.started.elapsed() > WATCHING {
                let (seen, log) = (watched.len(), self.process.log_tail(20));
                return Err(format!("{seen} of {kinds} kinds are watched: {log}").into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// What it has used so far.
    pub fn usage(&self) -> Usage {
        Usage::of(self.process.id())
    }

    /// Lets it end well.
    pub async fn stop(self) -> Result<()> {
        self.used().await.map(drop)
    }

    /// Lets it end well, and tells what it has used in all.
    pub async fn used(mut self) -> Result<Usage> {
        self.process.signal(Signal::TERM)?;
        cluster::ended(&mut self.process, PATIENCE).await
    }
}
