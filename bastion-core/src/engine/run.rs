//! One run of the engine: which kinds are followed, and how it ends.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::StreamExt;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    drain::{Outcome, drain_kind, ended_early, flush},
    follow::{FollowState, FollowedKind},
    report::{Report, Undiscovered},
    resume::ResumeState,
};
use crate::{
    error::{Error, Result, chain},
    object::{GroupKind, Kind},
    pipeline::{
        Batcher, BatcherMessage, EngineEvent, KindPhase, KindPipeline, Lane, LaneOptions, Pipelines, Reader, Shared,
        Stats,
    },
    source::KindChange,
};

/// What a run is made of.
pub(super) struct RunParts {
    pub(super) shared: Arc<Shared>,
    pub(super) stats: Arc<Stats>,
    pub(super) lane: LaneOptions,
    pub(super) flush_deadline: Duration,
    pub(super) pipelines: Pipelines,
    pub(super) resume: ResumeState,
    /// Everything that is started ends with it.
    pub(super) shutdown: CancellationToken,
    pub(super) events: mpsc::UnboundedReceiver<EngineEvent>,
}

pub(super) struct Run {
    parts: RunParts,
    /// All lanes end with it: a new one begins with every incarnation.
    lanes_shutdown: CancellationToken,
    followed: BTreeMap<GroupKind, FollowedKind>,
    undiscovered: BTreeMap<String, Error>,
    /// The source may name more kinds.
    kinds_open: bool,
    report: Report,
}

/// Why a kind is not followed any more as it was.
enum Departure {
    /// It is no longer served. Of its objects that says nothing.
    NotServed,
    /// Its CRD is gone, and with it its objects.
    Undefined,
    /// It is served in another version, which takes its place.
    Replaced(Kind),
}

impl Run {
    pub(super) fn new(parts: RunParts) -> Self {
        Self {
            lanes_shutdown: parts.shutdown.child_token(),
            parts,
            followed: BTreeMap::new(),
            undiscovered: BTreeMap::new(),
            kinds_open: true,
            report: Report::default(),
        }
    }

    pub(super) async fn run(mut self, batcher: Batcher, cancel: CancellationToken) -> Result<Report> {
        let mut outcome = self.start_batcher(batcher);
        let mut kinds = self.parts.shared.lookup.source.kinds();
        while self.kinds_open || self.followed.values().any(FollowedKind::is_under_way) {
            let wake = self.followed.values().filter_map(FollowedKind::backs_off_until).min();
            tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    self.report.cancelled = true;
                    break;
                }
                result = &mut outcome => return Err(ended_early(result)),
                event = self.parts.events.recv() => match event {
                    Some(EngineEvent::Rewound { lane }) if self.parts.pipelines.is_current(&lane) => {
                        self.restart(true, &cancel, &mut outcome).await?;
                    }
                    Some(EngineEvent::NewIncarnation) => self.restart(false, &cancel, &mut outcome).await?,
                    Some(event) => self.handle_event(event)?,
                    None => {}
                },
                change = kinds.next(), if self.kinds_open => match change {
                    Some(change) => self.handle_change(change),
                    None => self.source_is_one_shot(),
                },
                () = sleep_until(&self.parts.shared, wake) => self.read_again(),
            }
        }
        drop(kinds);
        self.finish(outcome).await
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.parts.shared.runtime.spawn(Box::pin(task));
    }

    fn start_batcher(&self, batcher: Batcher) -> Outcome {
        let (done, outcome) = oneshot::channel();
        let shutdown = self.parts.shutdown.clone();
        self.spawn(async move {
            if let Some(result) = shutdown.run_until_cancelled(Box::pin(batcher.run())).await {
                // A run that is over asks no more.
                let _ = done.send(result);
            }
        });
        outcome
    }

    fn handle_event(&mut self, event: EngineEvent) -> Result<()> {
        match event {
            EngineEvent::Fatal(error) => return Err(error),
            EngineEvent::StreamEnded { lane, error } if self.parts.pipelines.is_current(&lane) => {
                let now = self.parts.shared.runtime.uptime();
                if let Some(followed) = self.followed.get_mut(lane.group_kind()) {
                    followed.stream_ended(error, self.kinds_open, now);
                }
            }
            EngineEvent::Drained { lane } if self.parts.pipelines.is_current(&lane) => {
                self.remove(&lane);
                lane.stats.enter(KindPhase::Removed);
                let next = self.followed.get_mut(lane.group_kind()).and_then(FollowedKind::drained);
                if let Some(kind) = next {
                    self.follow(kind);
                }
            }
            // Of a lane that was replaced.
            _ => {}
        }
        Ok(())
    }

    fn handle_change(&mut self, change: KindChange) {
        match change {
            KindChange::Added(kind) => self.add(kind),
            KindChange::Removed(kind) => self.depart(&kind, Departure::NotServed),
            KindChange::Undefined(kind) => self.depart(&kind, Departure::Undefined),
            KindChange::Settled => {}
            KindChange::Failed { what, error } => {
                tracing::warn!(what, error = chain(&error), "part of discovery failed");
                self.undiscovered.insert(what, Error::Source(error));
            }
            KindChange::Skipped { kind, why } => {
                tracing::info!(%kind, why, "not followed");
                self.parts.stats.skip(kind.clone(), why.clone());
                self.report.skipped.insert(kind, why);
            }
        }
    }

    fn add(&mut self, kind: Kind) {
        let name = kind.group_kind();
        match self.followed.get_mut(&name) {
            Some(FollowedKind { state: FollowState::Draining { next }, .. }) => *next = Some(kind),
            Some(FollowedKind { state: FollowState::Removed, .. }) | None => self.follow(kind),
            Some(followed) if followed.kind == kind => {}
            Some(_) => self.depart(&name, Departure::Replaced(kind)),
        }
    }

    /// Starts a kind's pipeline.
    fn follow(&mut self, kind: Kind) {
        let name = kind.group_kind();
        self.report.skipped.remove(&name);
        let known = self.followed.remove(&name);
        self.followed.insert(name.clone(), FollowedKind::new(kind.clone(), known));
        let RunParts { shared, stats, lane, resume, pipelines, .. } = &self.parts;
        let (start, floor) = resume.start(shared, kind);
        let suspicious = floor.is_none();
        let from = start.from.clone();
        let lane = Lane::new(start, *lane, stats.kind(&name), shared.runtime.clone(), &self.lanes_shutdown);
        let pipeline = KindPipeline::new(lane, shared.clone());
        pipelines.insert(pipeline.clone());
        pipeline.start();
        self.spawn(Reader::new(pipeline, from, floor, suspicious).run());
    }

    /// Stops following a kind as it was; what is under way is finished first.
    fn depart(&mut self, kind: &GroupKind, why: Departure) {
        let Some(followed) = self.followed.get_mut(kind) else { return };
        let Some(pipeline) = self.parts.pipelines.get(kind) else { return };
        let (next, tombstone) = match why {
            Departure::NotServed => (None, false),
            Departure::Undefined => (None, true),
            Departure::Replaced(kind) => (Some(kind), false),
        };
        let is_draining = matches!(followed.state, FollowState::Draining { .. });
        followed.state = FollowState::Draining { next };
        if !is_draining {
            pipeline.lane.drain.cancel();
            self.spawn(drain_kind(pipeline, tombstone, self.parts.flush_deadline));
        }
    }

    /// Kinds whose stream ended are read again.
    fn read_again(&mut self) {
        let RunParts { shared, resume, pipelines, .. } = &self.parts;
        let now = shared.runtime.uptime();
        for followed in self.followed.values_mut().filter(|f| f.backs_off_until().is_some_and(|at| at <= now)) {
            let kind = followed.kind.group_kind();
            let Some(pipeline) = pipelines.get(&kind) else { continue };
            followed.state = FollowState::Reading;
            let from = pipeline.lane.position().map(|p| p.resource_version);
            let floor = from.clone();
            let suspicious = floor.is_none() && !resume.has_position(&kind);
            shared.runtime.spawn(Box::pin(Reader::new(pipeline, from, floor, suspicious).run()));
        }
    }

    /// The source named every kind that it ever will.
    fn source_is_one_shot(&mut self) {
        self.kinds_open = false;
        self.parts.shared.lookup.retrier.set_one_shot();
        self.followed.values_mut().for_each(FollowedKind::stop_backing_off);
    }

    /// A new incarnation: what is under way is of the former one, and every kind is compared anew.
    async fn restart(&mut self, begin: bool, cancel: &CancellationToken, outcome: &mut Outcome) -> Result<()> {
        self.lanes_shutdown.cancel();
        for pipeline in self.parts.pipelines.all() {
            self.remove(&pipeline.lane);
        }
        let (done, answer) = oneshot::channel();
        let outbox = &self.parts.shared.outbox;
        let restarted = async {
            outbox.send(BatcherMessage::Restart { begin, done }).await;
            answer.await
        };
        let incarnation = tokio::select! {
            biased;
            // The loop sees it next, and ends.
            () = cancel.cancelled() => return Ok(()),
            result = outcome => return Err(ended_early(result)),
            // A batcher that gives no answer is gone; the loop hears why next.
            incarnation = restarted => match incarnation {
                Ok(incarnation) => incarnation,
                Err(_) => return Ok(()),
            },
        };
        self.parts.resume.begin_incarnation(incarnation);
        self.lanes_shutdown = self.parts.shutdown.child_token();
        let kinds: Vec<_> = self.followed.values().filter_map(FollowedKind::kind_to_follow).collect();
        for kind in kinds {
            self.follow(kind);
        }
        Ok(())
    }

    /// Removes a lane, and keeps what it knows for the report and for a lane of the kind that comes after it.
    fn remove(&mut self, lane: &Lane) {
        self.merge_report(lane);
        self.parts.resume.keep(lane);
        self.parts.pipelines.remove(lane.group_kind());
    }

    fn merge_report(&mut self, lane: &Lane) {
        if let Some(followed) = self.followed.get_mut(lane.group_kind()) {
            followed.merge_report(lane);
        }
    }

    /// Makes what is under way durable, saves positions, closes the writer.
    async fn finish(mut self, outcome: Outcome) -> Result<Report> {
        let pipelines = self.parts.pipelines.all();
        for pipeline in &pipelines {
            pipeline.lane.drain.cancel();
        }
        let RunParts { shared, events, flush_deadline, .. } = &mut self.parts;
        let flush = flush(shared, &pipelines, events, outcome);
        let finished = if self.report.cancelled {
            tokio::select! {
                biased;
                finished = flush => Some(finished?),
                () = shared.runtime.sleep(*flush_deadline) => None,
            }
        } else {
            Some(flush.await?)
        };
        self.report.flushed = finished.is_some();
        if let Some(Err(error)) = finished.map(|f| f.closed) {
            // Everything is durable; the next start only takes longer.
            tracing::warn!(error = chain(&error), "could not write the last checkpoint");
        }
        for pipeline in &pipelines {
            self.merge_report(&pipeline.lane);
        }
        Ok(self.into_report())
    }

    fn into_report(mut self) -> Report {
        let counted = self.parts.stats.snapshot();
        self.report.head = self.parts.stats.head().unwrap_or_default();
        self.report.undiscovered =
            self.undiscovered.into_iter().map(|(what, error)| Undiscovered { what, error }).collect();
        for (name, followed) in self.followed {
            let numbers = counted.kinds.get(&name).cloned().unwrap_or_default();
            self.report.kinds.insert(name, followed.report.with_counts(&numbers));
        }
        self.report
    }
}

async fn sleep_until(shared: &Shared, at: Option<Duration>) {
    match at {
        Some(at) => shared.runtime.sleep(at.saturating_sub(shared.runtime.uptime())).await,
        None => std::future::pending().await,
    }
}
