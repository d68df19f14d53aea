//! One run of the engine: which kinds are followed, and how it ends.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::StreamExt;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    Report,
    follow::{Followed, State},
    log::Log,
};
use crate::{
    error::{Error, Result},
    object::{GroupKind, Kind},
    pipeline::{Batcher, Context, Finished, Lane, Lanes, Phase, Reader, ToBatcher, ToEngine, bury_kind},
    source::KindChange,
};

/// What the batcher ends with.
type Outcome = oneshot::Receiver<Result<Finished>>;

pub(super) struct Run {
    ctx: Arc<Context>,
    lanes: Lanes,
    log: Log,
    /// Everything that was started ends with it.
    life: CancellationToken,
    /// All lanes end with it: a new one begins with every incarnation.
    generation: CancellationToken,
    told: mpsc::UnboundedReceiver<ToEngine>,
    followed: BTreeMap<GroupKind, Followed>,
    undiscovered: BTreeMap<String, Error>,
    kinds_open: bool,
    report: Report,
}

impl Run {
    pub(super) fn new(
        ctx: Arc<Context>,
        lanes: Lanes,
        log: Log,
        life: CancellationToken,
        told: mpsc::UnboundedReceiver<ToEngine>,
    ) -> Self {
        Self {
            ctx,
            lanes,
            log,
            generation: life.child_token(),
            life,
            told,
            followed: BTreeMap::new(),
            undiscovered: BTreeMap::new(),
            kinds_open: true,
            report: Report::default(),
        }
    }

    pub(super) async fn run(mut self, batcher: Batcher, cancel: CancellationToken) -> Result<Report> {
        let mut outcome = self.start_batcher(batcher);
        let mut kinds = self.ctx.source.kinds();
        while self.kinds_open || self.followed.values().any(Followed::is_under_way) {
            let wake = self.followed.values().filter_map(Followed::rests_until).min();
            tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    self.report.cancelled = true;
                    break;
                }
                result = &mut outcome => return Err(ended_early(result)),
                told = self.told.recv() => match told {
                    Some(ToEngine::Rewound { lane }) if self.is_current(&lane) => {
                        self.restart(true, &cancel, &mut outcome).await?;
                    }
                    Some(ToEngine::Incarnation) => self.restart(false, &cancel, &mut outcome).await?,
                    Some(told) => self.hear(told)?,
                    None => {}
                },
                change = kinds.next(), if self.kinds_open => match change {
                    Some(change) => self.change(change),
                    None => self.settle_for_what_came(),
                },
                () = sleep_until(&self.ctx, wake) => self.wake(),
            }
        }
        drop(kinds);
        self.finish(outcome).await
    }

    fn start_batcher(&self, batcher: Batcher) -> Outcome {
        let (done, outcome) = oneshot::channel();
        let life = self.life.clone();
        self.ctx.options.runtime.spawn(Box::pin(async move {
            if let Some(result) = life.run_until_cancelled(Box::pin(batcher.run())).await {
                // The run is over and asks no more.
                let _ = done.send(result);
            }
        }));
        outcome
    }

    fn is_current(&self, lane: &Arc<Lane>) -> bool {
        self.lanes.get(&lane.group_kind).is_some_and(|current| Arc::ptr_eq(&current, lane))
    }

    fn hear(&mut self, told: ToEngine) -> Result<()> {
        match told {
            ToEngine::Fatal(error) => return Err(error),
            ToEngine::Ended { lane, error } if self.is_current(&lane) => {
                let open = self.kinds_open;
                if let Some(followed) = self.followed.get_mut(&lane.group_kind) {
                    followed.ended(error, open, self.ctx.options.runtime.uptime());
                }
            }
            ToEngine::Retired { lane } if self.is_current(&lane) => {
                self.lanes.remove(&lane.group_kind);
                self.absorb(&lane);
                self.log.left(&lane);
                lane.stats.enter(Phase::Removed);
                let next = self.followed.get_mut(&lane.group_kind).and_then(Followed::retired);
                if let Some(kind) = next {
                    self.follow(kind);
                }
            }
            // Of a lane that was replaced.
            _ => {}
        }
        Ok(())
    }

    fn change(&mut self, change: KindChange) {
        match change {
            KindChange::Added(kind) => self.added(kind),
            KindChange::Removed(kind) => self.retire(&kind, None, false),
            KindChange::Undefined(kind) => self.retire(&kind, None, true),
            KindChange::Settled => {}
            KindChange::Failed { what, error } => {
                tracing::warn!(what, error = crate::error::chain(&error), "part of discovery failed");
                self.undiscovered.insert(what, Error::Source(error));
            }
            KindChange::Skipped { kind, why } => {
                tracing::info!(%kind, why, "not followed");
                self.ctx.stats.skip(kind.clone(), why.clone());
                self.report.skipped.insert(kind, why);
            }
        }
    }

    fn added(&mut self, kind: Kind) {
        let name = kind.group_kind();
        match self.followed.get_mut(&name) {
            Some(Followed { state: State::Retiring(next), .. }) => *next = Some(kind),
            Some(Followed { state: State::Gone, .. }) | None => self.follow(kind),
            Some(followed) if followed.kind == kind => {}
            Some(_) => self.retire(&name, Some(kind), false),
        }
    }

    /// Starts a kind's lane.
    fn follow(&mut self, kind: Kind) {
        let name = kind.group_kind();
        self.report.skipped.remove(&name);
        let known = self.followed.remove(&name);
        self.followed.insert(name.clone(), Followed::new(kind.clone(), known));
        let (beginning, floor) = self.log.beginning(&self.ctx, kind);
        let suspicious = floor.is_none();
        let from = beginning.from.clone();
        let lane = Arc::new(Lane::new(self.ctx.clone(), beginning, &self.generation));
        self.lanes.insert(lane.clone());
        lane.start();
        self.spawn(Reader::new(lane, from, floor, suspicious).run());
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.ctx.options.runtime.spawn(Box::pin(task));
    }

    /// The kind is no longer served, or in another version: what is under way is finished first.
    fn retire(&mut self, kind: &GroupKind, next: Option<Kind>, undefined: bool) {
        let (Some(followed), Some(lane)) = (self.followed.get_mut(kind), self.lanes.get(kind)) else { return };
        if let State::Retiring(waiting) = &mut followed.state {
            *waiting = next;
            return;
        }
        followed.state = State::Retiring(next);
        lane.stop.cancel();
        let patience = self.ctx.options.flush_deadline;
        self.spawn(async move {
            let retired = async {
                lane.calm().await;
                if undefined && let Err(error) = bury_kind(&lane).await {
                    tracing::warn!(kind = %lane.group_kind, error = crate::error::chain(&error), "burying a kind");
                }
                lane.calm().await;
            };
            tokio::select! {
                biased;
                () = lane.kill.cancelled() => return,
                () = retired => {}
                // Objects of a kind that is gone cannot be read again: what waits for that waits for ever.
                () = lane.ctx.options.runtime.sleep(patience) => {}
            }
            lane.kill.cancel();
            let _ = lane.ctx.to_engine.send(ToEngine::Retired { lane: lane.clone() });
        });
    }

    /// Kinds whose stream ended with an error are read again.
    fn wake(&mut self) {
        let now = self.ctx.options.runtime.uptime();
        for followed in self.followed.values_mut().filter(|f| f.rests_until().is_some_and(|at| at <= now)) {
            let Some(lane) = self.lanes.get(&followed.kind.group_kind()) else { continue };
            followed.state = State::Reading;
            let from = lane.position().map(|p| p.resource_version);
            let floor = from.clone();
            let suspicious = floor.is_none() && self.log.is_silent_about(&lane.group_kind);
            let reader = Reader::new(lane, from, floor, suspicious).run();
            self.ctx.options.runtime.spawn(Box::pin(reader));
        }
    }

    /// The source named every kind that it ever will: it is a one-shot source.
    fn settle_for_what_came(&mut self) {
        self.kinds_open = false;
        self.ctx.set_one_shot();
        self.followed.values_mut().for_each(Followed::rest_no_more);
    }

    /// A new life of etcd: what is under way is of the former one, and every kind is compared anew.
    async fn restart(&mut self, begin: bool, cancel: &CancellationToken, outcome: &mut Outcome) -> Result<()> {
        self.generation.cancel();
        for lane in self.lanes.all() {
            self.absorb(&lane);
            self.log.left(&lane);
            self.lanes.remove(&lane.group_kind);
        }
        let (done, answer) = oneshot::channel();
        let told = self.ctx.to_batcher.send(ToBatcher::Restart { begin, done });
        tokio::select! {
            biased;
            // The loop sees it next, and ends.
            () = cancel.cancelled() => return Ok(()),
            result = outcome => return Err(ended_early(result)),
            incarnation = async { told.await.ok()?; Some(answer.await) } => match incarnation {
                Some(Ok(incarnation)) => self.log.begin_life(incarnation),
                _ => return Ok(()),
            },
        }
        self.generation = self.life.child_token();
        let kinds: Vec<_> = self.followed.values().filter_map(Followed::kind_to_follow).collect();
        for kind in kinds {
            self.follow(kind);
        }
        Ok(())
    }

    /// Keeps what a lane knows for the report.
    fn absorb(&mut self, lane: &Lane) {
        if let Some(followed) = self.followed.get_mut(&lane.group_kind) {
            followed.absorb(lane.report());
        }
    }

    /// Makes what is under way durable, saves positions, closes the writer.
    async fn finish(mut self, mut outcome: Outcome) -> Result<Report> {
        let lanes = self.lanes.all();
        for lane in &lanes {
            lane.stop.cancel();
        }
        let deadline = async {
            if self.report.cancelled {
                self.ctx.options.runtime.sleep(self.ctx.options.flush_deadline).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        let told = &mut self.told;
        let flush = async {
            let calm = async {
                for lane in &lanes {
                    lane.calm().await;
                }
            };
            let fatal = async {
                loop {
                    match told.recv().await {
                        Some(ToEngine::Fatal(error)) => return error,
                        Some(_) => {}
                        None => std::future::pending().await,
                    }
                }
            };
            tokio::select! {
                biased;
                result = &mut outcome => return Err(ended_early(result)),
                error = fatal => return Err(error),
                () = calm => {}
            }
            // A batcher that is gone says why through `outcome`.
            let _ = self.ctx.to_batcher.send(ToBatcher::Finish).await;
            match outcome.await {
                Ok(result) => result,
                Err(_) => Err(Error::Cancelled),
            }
        };
        let finished = tokio::select! {
            biased;
            finished = flush => Some(finished?),
            () = deadline => None,
        };
        self.report.flushed = finished.is_some();
        if let Some(Err(error)) = finished.map(|f| f.closed) {
            // Everything is durable; the next start only takes longer.
            tracing::warn!(error = crate::error::chain(&error), "no last checkpoint");
        }
        for lane in &lanes {
            self.absorb(lane);
        }
        Ok(self.into_report())
    }

    fn into_report(mut self) -> Report {
        let counted = self.ctx.stats.snapshot();
        self.report.head = self.ctx.head();
        self.report.undiscovered = self.undiscovered.into_iter().collect();
        for (name, followed) in self.followed {
            let numbers = counted.kinds.get(&name).cloned().unwrap_or_default();
            self.report.kinds.insert(name, followed.into_report(&numbers));
        }
        self.report
    }
}

async fn sleep_until(ctx: &Context, at: Option<Duration>) {
    match at {
        Some(at) => ctx.options.runtime.sleep(at.saturating_sub(ctx.options.runtime.uptime())).await,
        None => std::future::pending().await,
    }
}

/// The batcher ends before it is told to only with an error.
fn ended_early(result: Result<Result<Finished>, oneshot::error::RecvError>) -> Error {
    match result {
        Ok(Err(error)) => error,
        _ => Error::Cancelled,
    }
}
