//! The applier: runs a plan against a cluster, stage by stage.

use std::{
    collections::BTreeMap,
    fmt,
    future::ready,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::{
    plan::RestorePlan,
    report::{ObjectReport, Outcome, RestoreReport},
};
use crate::{
    object::{GroupKind, Kind, ObjectId},
    runtime::SharedRuntime,
    sink::Sink,
};

mod cluster;
mod object;

type Progress = Arc<dyn Fn(&ObjectReport) + Send + Sync>;

/// Runs a [`RestorePlan`]: [`RestorePlan::apply`] with cancelling, progress and a dry run.
#[derive(Clone)]
pub struct Applier {
    plan: Arc<RestorePlan>,
    sink: Arc<dyn Sink>,
    runtime: SharedRuntime,
    cancel: CancellationToken,
    progress: Option<Progress>,
    dry_run: bool,
    learned: Arc<Mutex<Learned>>,
}

/// What was learned on the way.
#[derive(Debug, Default)]
struct Learned {
    /// The live uid of each step that is done; `None` where it failed.
    uids: BTreeMap<usize, Option<String>>,
    /// How the cluster serves kinds.
    kinds: BTreeMap<(GroupKind, Arc<str>), Option<Kind>>,
    /// The uids of objects that are not in the plan; `None` where there is none.
    others: BTreeMap<ObjectId, Option<String>>,
}

impl fmt::Debug for Applier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Applier").field("sink", &self.sink).field("dry_run", &self.dry_run).finish_non_exhaustive()
    }
}

impl RestorePlan {
    /// Restores into this cluster, with the runtime of the plan's repository. For progress, cancelling or a dry run against the cluster see [`Applier`].
    pub async fn apply(self, sink: Arc<dyn Sink>) -> RestoreReport {
        Applier::new(self, sink).run().await
    }
}

impl Applier {
    /// Applies this plan to this cluster. It works with the runtime of the plan's repository.
    pub fn new(plan: RestorePlan, sink: Arc<dyn Sink>) -> Self {
        Self {
            runtime: plan.bodies.runtime(),
            plan: Arc::new(plan),
            sink,
            cancel: CancellationToken::new(),
            progress: None,
            dry_run: false,
            learned: Arc::default(),
        }
    }

    /// What it does.
    pub fn plan(&self) -> &RestorePlan {
        &self.plan
    }

    /// Stops when this is cancelled: objects that are under way are finished, no other is begun.
    #[must_use]
    pub fn cancelled_by(mut self, cancel: CancellationToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// Calls this with every object as it is done.
    #[must_use]
    pub fn progress(mut self, progress: impl Fn(&ObjectReport) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// Compares the plan with the cluster and writes nothing.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Runs the plan. What fails is in the report, object by object.
    pub async fn run(mut self) -> RestoreReport {
        // What a clone learned may be true no more: a dry run does not find the kinds that its plan would define.
        self.learned = Arc::default();
        let mut report =
            RestoreReport { skipped: self.plan.skipped.clone(), dry_run: self.dry_run, ..RestoreReport::default() };
        let mut from = 0;
        for stage in self.plan.steps.chunk_by(|a, b| (a.wave, a.place) == (b.wave, b.place)) {
            let steps = from..from + stage.len();
            from = steps.end;
            let tries = steps.map(|number| self.step(number));
            let mut done: Vec<_> =
                stream::iter(tries).buffer_unordered(self.plan.options.parallel).filter_map(ready).collect().await;
            done.sort_by_key(|(number, _)| *number);
            report.objects.extend(done.into_iter().map(|(_, object)| object));
        }
        report.cancelled = report.objects.len() < self.plan.steps.len();
        report.objects.extend(self.plan.unreadable.iter().map(|object| ObjectReport {
            outcome: Outcome::Failed,
            why: Some(object.failure.message.clone()),
            category: Some(object.failure.category),
            ..ObjectReport::new(object.id.clone(), object.id.clone())
        }));
        report
    }

    /// Restores an object, unless the run is cancelled.
    async fn step(&self, number: usize) -> Option<(usize, ObjectReport)> {
        if self.cancel.is_cancelled() {
            return None;
        }
        let step = &self.plan.steps[number];
        let mut notes = Vec::new();
        let result = self.restore(step, &mut notes).await;
        let (outcome, why, category, uid) = match result {
            Ok(done) => (done.outcome, done.why, None, Some(done.uid)),
            Err(failure) => (Outcome::Failed, Some(failure.message), Some(failure.category), None),
        };
        tracing::debug!(object = %step.target, ?outcome, "restored");
        self.learn(|learned| learned.uids.insert(number, uid));
        let object = ObjectReport {
            outcome,
            why,
            category,
            notes,
            ..ObjectReport::new(step.from.id.clone(), step.target.clone())
        };
        if let Some(progress) = &self.progress {
            progress(&object);
        }
        Some((number, object))
    }

    fn learn<T>(&self, with: impl FnOnce(&mut Learned) -> T) -> T {
        with(&mut self.learned.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
