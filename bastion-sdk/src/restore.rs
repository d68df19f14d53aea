//! A restore: planned, then applied.

use std::{fmt, sync::Arc};

use bastion_core::restore::{Applier, RestorePlan, RestoreReport};

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
        Ok(PlannedRestore { plan, into: self.into })
    }
}

/// A restore that is planned. Print it, then apply it.
#[derive(Debug, Clone)]
#[must_use = "a planned restore does nothing until it is applied"]
pub struct PlannedRestore {
    plan: RestorePlan,
    into: Arc<dyn Cluster>,
}

impl PlannedRestore {
    /// What it will do.
    pub fn plan(&self) -> &RestorePlan {
        &self.plan
    }

    /// Applies it. Objects that fail are part of the report, and running it again goes on where it stopped.
    ///
    /// # Errors
    ///
    /// The cluster does not answer: nothing was tried.
    pub async fn apply(self) -> Result<RestoreReport> {
        self.into.reach().await?;
        Ok(self.applier().run().await)
    }

    /// What applies it, for progress, a dry run against the cluster, or cancelling.
    pub fn applier(self) -> Applier {
        Applier::new(self.plan, self.into.sink())
    }
}

/// The plan as a table.
impl fmt::Display for PlannedRestore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.plan.fmt(f)
    }
}
