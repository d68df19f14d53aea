//! A backup: once through the cluster, or continuously.

use std::{sync::Arc, time::Duration};

use bastion_core::{
    engine::{Engine, Report},
    pipeline::Stats,
    repository::{Head, WriterOptions},
    source::Source,
};
use tokio_util::sync::CancellationToken;

use crate::{
    cluster::Cluster,
    error::Result,
    repo::Repo,
    spec::{BackupSpec, RuleSpec},
    views::Kept,
};

/// How long a single backup waits for a storage that is away: somebody waits for its end. A continuous one waits for
/// good.
const PATIENCE: Duration = Duration::from_mins(5);

/// How often a continuous backup brings views up to date.
const VIEWS_EVERY: Duration = Duration::from_secs(1);

/// Once, or until cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Once,
    Continuous,
}

/// A backup that has not begun.
#[derive(Debug, Clone)]
#[must_use = "a backup does nothing until it is run"]
pub struct Backup {
    cluster: Arc<dyn Cluster>,
    repo: Repo,
    name: String,
    uid: String,
    mode: Mode,
    spec: BackupSpec,
    views_every: Duration,
}

impl Backup {
    pub(crate) fn new(
        cluster: Arc<dyn Cluster>,
        repo: Repo,
        name: String,
        uid: String,
        mode: Mode,
        spec: BackupSpec,
    ) -> Self {
        Self { cluster, repo, name, uid, mode, spec, views_every: VIEWS_EVERY }
    }

    /// How often a continuous backup brings the repository's views up to date; once a second if nothing is said.
    pub fn views_every(mut self, interval: Duration) -> Self {
        self.views_every = interval;
        self
    }

    /// Checks the spec and opens the log. A continuous backup takes over from an older one of its role here.
    pub async fn prepare(self) -> Result<PreparedBackup> {
        self.spec.validate()?;
        let sanitizer = RuleSpec::sanitizer(&self.spec.rules)?;
        let (source, role): (Arc<dyn Source>, _) = match self.mode {
            Mode::Once => (self.cluster.list(&self.spec.selection)?, "backup"),
            Mode::Continuous => (self.cluster.watch(&self.spec.selection)?, "watch"),
        };
        let mut options = WriterOptions::new(&self.uid, self.spec.role.as_deref().unwrap_or(role));
        options = match self.mode {
            Mode::Once => options.give_up_after(Some(PATIENCE)),
            Mode::Continuous => options.fenced(true),
        };
        if let Some(objects) = self.spec.engine.index_objects {
            options = options.index_capacity(objects);
        }
        let writer = self.repo.repository().writer(&self.name, options).await?;
        let head = writer.head().clone();
        let engine = Engine::new(source, writer, self.spec.engine.options().sanitizer(sanitizer));
        Ok(PreparedBackup {
            engine,
            head,
            repo: self.repo,
            name: self.name,
            mode: self.mode,
            views_every: self.views_every,
        })
    }

    /// Prepares the backup and runs it until it is done, or until `cancel`: [`PreparedBackup::run`]. A single backup
    /// then brings the repository's views up to date.
    pub async fn run(self, cancel: CancellationToken) -> Result<Report> {
        let (mode, views) = (self.mode, self.repo.views(&self.name));
        let report = self.prepare().await?.run(cancel).await?;
        if mode == Mode::Once {
            views.update().await;
        }
        Ok(report)
    }
}

/// A backup that is ready to run.
#[derive(Debug)]
pub struct PreparedBackup {
    engine: Engine,
    head: Head,
    repo: Repo,
    name: String,
    mode: Mode,
    views_every: Duration,
}

impl PreparedBackup {
    /// What is counted while it runs; stays readable afterwards.
    pub fn stats(&self) -> Arc<Stats> {
        self.engine.stats()
    }

    /// The end of the log before it runs.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Runs until a single backup is done, or until `cancel`; then what is under way is made durable. A continuous
    /// backup keeps the repository's views up to date meanwhile.
    ///
    /// A kind or an object that fails is part of the report. An error ends the run: the log cannot be written or read,
    /// or another writer of the same role took over. If the future is dropped everything ends at once, and the next
    /// run finds out what was durable.
    pub async fn run(self, cancel: CancellationToken) -> Result<Report> {
        let (report, views) = self.run_engine(cancel).await;
        if let Some(views) = views {
            views.finish().await;
        }
        report
    }

    /// [`PreparedBackup::run`] up to the end of the engine: the views are still to be finished.
    pub(crate) async fn run_engine(self, cancel: CancellationToken) -> (Result<Report>, Option<Kept>) {
        let views = (self.mode == Mode::Continuous).then(|| self.repo.views(&self.name).keep(self.views_every));
        // The engine's future is large, and everything around it would be, too.
        let report = Box::pin(self.engine.run(cancel)).await;
        (report.map_err(Into::into), views)
    }
}
