//! A restore: planned, then applied.

use std::{fmt, sync::Arc};

use bastion_core::restore::{Applier, ObjectReport, RestorePlan, RestoreReport};
use tokio_util::sync::CancellationToken;

use crate::{cluster::Cluster, error::Result, repo::Repo, spec::RestoreSpec};

/// A restore that has not been planned.
#[derive(Debug, Clone)]
#[must_use = "a restore does nothing until it is planned and applied"]
pub struct Restore {
    repo: Repo,
    from: String,
    into: Arc<dyn Cluster>,
    spec: RestoreSpec,
}

impl Restore {
    pub(crate) fn new(repo: Repo, from: String, into: Arc<dyn Cluster>, spec: RestoreSpec) -> Self {
        Self { repo, from, into, spec }
    }

    /// Plans it: reads the repository, not the cluster.
    pub async fn plan(self) -> Result<PlannedRestore> {
        let reader = self.repo.reader(Some(&self.from), None).await?;
        let plan = reader.restore_plan(&self.spec).await?;
        Ok(PlannedRestore::new(plan, self.into))
    }
}

/// A restore that is planned. Print it, then apply it.
#[derive(Debug, Clone)]
#[must_use = "a planned restore does nothing until it is applied"]
pub struct PlannedRestore {
    applier: Applier,
    into: Arc<dyn Cluster>,
}

impl PlannedRestore {
    /// A [plan](crate::Reader::restore_plan), to be applied to this cluster.
    pub fn new(plan: RestorePlan, into: Arc<dyn Cluster>) -> Self {
        Self { applier: Applier::new(plan, into.sink()), into }
    }

    /// What it will do.
    pub fn plan(&self) -> &RestorePlan {
        self.applier.plan()
    }

    /// Stops when this is cancelled: objects that are under way are finished, no other is begun.
    pub fn cancelled_by(mut self, cancel: CancellationToken) -> Self {
        self.applier = self.applier.cancelled_by(cancel);
        self
    }

    /// Calls this with every object as it is done.
    pub fn progress(mut self, progress: impl Fn(&ObjectReport) + Send + Sync + 'static) -> Self {
        self.applier = self.applier.progress(progress);
        self
    }

    /// Compares the plan with the cluster and writes nothing.
    pub fn dry_run(mut self) -> Self {
        self.applier = self.applier.dry_run();
        self
    }

    /// Applies it. Objects that fail are part of the report, and running it again goes on where it stopped.
    ///
    /// # Errors
    ///
    /// The cluster does not answer: nothing was tried.
    pub async fn apply(self) -> Result<RestoreReport> {
        self.into.reach().await?;
        Ok(self.applier.run().await)
    }
}

/// The plan as a table.
impl fmt::Display for PlannedRestore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.plan().fmt(f)
    }
}
