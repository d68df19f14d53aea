//! One kind's lane: its tracker behind a lock, and notifications of what changed in it. It starts no tasks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    error::Failure,
    object::{GroupKind, Kind, ObjectId, ResourceVersion},
    pipeline::{
        decide::Decider,
        event::ObjectEvent,
        options::LaneOptions,
        position::LowWater,
        report::{LaneReport, NAMED_FAILURES, ObjectFailure},
        state::Transition,
        stats::KindStats,
        tracker::{Job, Tracker},
    },
    record::{Acknowledgement, Position, Withheld},
    runtime::SharedRuntime,
};

/// Where a lane starts.
#[derive(Debug)]
pub(crate) struct LaneStart {
    pub(crate) kind: Kind,
    pub(crate) decider: Decider,
    pub(crate) fingerprint: Arc<str>,
    /// Where to resume; `None` for a list.
    pub(crate) from: Option<ResourceVersion>,
    /// What the log says is withheld.
    pub(crate) withheld: Option<Withheld>,
    /// How many of it were acknowledged.
    pub(crate) acknowledged: u64,
}

#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) kind: Kind,
    pub(crate) decider: Decider,
    pub(crate) stats: Arc<KindStats>,
    /// Its stream is not read on; what is under way is finished.
    pub(crate) drain: CancellationToken,
    /// All its tasks end at once.
    pub(crate) kill: CancellationToken,
    group_kind: GroupKind,
    fingerprint: Arc<str>,
    options: LaneOptions,
    runtime: SharedRuntime,
    inner: Mutex<Inner>,
    work: Notify,
    room: Notify,
    idle: Notify,
    relist: Notify,
}

#[derive(Debug)]
struct Inner {
    tracker: Tracker,
    workers: usize,
    withheld: Option<Withheld>,
    acknowledged: u64,
    failures: Vec<ObjectFailure>,
}

impl Inner {
    /// How many workers to start for what waits; they count as running from now on.
    fn add_workers(&mut self, options: LaneOptions, stats: &KindStats) -> usize {
        let missing = options.workers.missing(self.workers, self.tracker.ready());
        self.workers += missing;
        stats.workers.set(self.workers as u64);
        missing
    }
}

impl Lane {
    /// A lane whose tasks end with `shutdown`.
    pub(crate) fn new(
        start: LaneStart,
        options: LaneOptions,
        stats: Arc<KindStats>,
        runtime: SharedRuntime,
        shutdown: &CancellationToken,
    ) -> Self {
        stats.withheld.set(start.withheld.as_ref().map_or(0, |w| w.count));
        let mut tracker = Tracker::new(start.from, stats.clone());
        tracker.low_water.hold(start.withheld.is_some());
        let kill = shutdown.child_token();
        let inner = Inner {
            tracker,
            workers: 0,
            withheld: start.withheld,
            acknowledged: start.acknowledged,
            failures: Vec::new(),
        };
        Self {
            group_kind: start.kind.group_kind(),
            kind: start.kind,
            decider: start.decider,
            stats,
            drain: kill.child_token(),
            kill,
            fingerprint: start.fingerprint,
            options,
            runtime,
            inner: Mutex::new(inner),
            work: Notify::new(),
            room: Notify::new(),
            idle: Notify::new(),
            relist: Notify::new(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn group_kind(&self) -> &GroupKind {
        &self.group_kind
    }

    /// How many workers to start so that there are as many as the queue asks for.
    #[must_use]
    pub(crate) fn add_workers(&self) -> usize {
        self.inner().add_workers(self.options, &self.stats)
    }

    /// Queues an event; waits while too many objects wait already. Returns how many workers to start.
    #[must_use]
    pub(crate) async fn enqueue(&self, id: &ObjectId, event: ObjectEvent) -> usize {
        loop {
            // Registered before the look, so that room made in between is not missed.
            let room = self.room.notified();
            let mut room = std::pin::pin!(room);
            room.as_mut().enable();
            {
                let mut inner = self.inner();
                if inner.tracker.waiting() < self.options.queue_objects || inner.tracker.holds(id) {
                    return self.push(&mut inner, id, event);
                }
            }
            room.await;
        }
    }

    /// Queues an event beyond every bound: for the batcher, which must not wait for workers that wait for it.
    #[must_use]
    pub(crate) fn enqueue_at_once(&self, id: &ObjectId, event: ObjectEvent) -> usize {
        self.push(&mut self.inner(), id, event)
    }

    fn push(&self, inner: &mut Inner, id: &ObjectId, event: ObjectEvent) -> usize {
        inner.tracker.offer(id, event, self.runtime.uptime());
        let workers = inner.add_workers(self.options, &self.stats);
        self.work.notify_one();
        workers
    }

    /// The next object for a worker; `None` when the worker is to stop.
    pub(crate) async fn next_job(&self) -> Option<Job> {
        let workers = self.options.workers;
        loop {
            let spare = {
                let mut inner = self.inner();
                if let Some(job) = inner.tracker.take() {
                    self.room.notify_one();
                    return Some(job);
                }
                workers.may_stop(inner.workers)
            };
            let unused = async {
                if spare {
                    self.runtime.sleep(workers.idle_time()).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                () = self.kill.cancelled() => return None,
                () = self.work.notified() => {}
                () = unused => {
                    let inner = self.inner();
                    if inner.tracker.ready() == 0 && workers.may_stop(inner.workers) {
                        return None;
                    }
                }
            }
        }
    }

    pub(crate) fn worker_stopped(&self) {
        let mut inner = self.inner();
        inner.workers = inner.workers.saturating_sub(1);
        self.stats.workers.set(inner.workers as u64);
    }

    /// Moves an object to its next state.
    pub(crate) fn advance(&self, id: &ObjectId, transition: Transition) {
        let mut inner = self.inner();
        if let Some(since) = inner.tracker.advance(id, transition) {
            if transition == Transition::Committed {
                self.stats.latency.record(self.runtime.uptime().saturating_sub(since));
            }
            if inner.tracker.ready() > 0 {
                self.work.notify_one();
            }
            if inner.tracker.is_idle() {
                self.idle.notify_waiters();
            }
        }
    }

    /// Looks at, or changes, the tracker.
    pub(crate) fn tracker<T>(&self, f: impl FnOnce(&mut Tracker) -> T) -> T {
        f(&mut self.inner().tracker)
    }

    /// Looks at, or changes, the low-water mark.
    pub(crate) fn low_water<T>(&self, f: impl FnOnce(&mut LowWater) -> T) -> T {
        f(&mut self.inner().tracker.low_water)
    }

    /// Whether the log has the kind, made by the rules of now: then a list without content shows what differs.
    pub(crate) fn is_in_log(&self) -> bool {
        // A position is where everything before it is in the log by these rules.
        if self.position().is_some() {
            self.decider.same_rules.store(true, Relaxed);
        }
        self.decider.same_rules.load(Relaxed)
    }

    /// Waits until nothing waits and nothing is in flight.
    pub(crate) async fn wait_until_idle(&self) {
        loop {
            let idle = self.idle.notified();
            let mut idle = std::pin::pin!(idle);
            idle.as_mut().enable();
            if self.inner().tracker.is_idle() {
                return;
            }
            idle.await;
        }
    }

    /// Where to resume, once the batch that is being sealed is durable.
    pub(crate) fn position(&self) -> Option<Position> {
        let inner = self.inner();
        inner.tracker.low_water.position().map(|at| Position {
            policy: self.decider.policy.clone(),
            kind: self.group_kind.clone(),
            resource_version: at.clone(),
            fingerprint: self.fingerprint.clone(),
        })
    }

    /// What the brake withholds now.
    pub(crate) fn withheld(&self) -> Option<Withheld> {
        self.inner().withheld.clone()
    }

    /// How many of the withheld deletions were acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.inner().acknowledged
    }

    /// The brake withholds this, or nothing any more; says whether that is news.
    #[must_use]
    pub(crate) fn withhold(&self, withheld: Option<Withheld>) -> bool {
        let mut inner = self.inner();
        inner.tracker.low_water.hold(withheld.is_some());
        self.stats.withheld.set(withheld.as_ref().map_or(0, |w| w.count));
        inner.acknowledged = 0;
        let is_news = inner.withheld != withheld;
        inner.withheld = withheld;
        is_news
    }

    /// Somebody acknowledged withheld deletions: the kind is listed anew.
    pub(crate) fn acknowledge(&self, acknowledgement: &Acknowledgement) {
        let mut inner = self.inner();
        if let Some(withheld) = inner.withheld.as_ref().filter(|w| w.since == acknowledgement.since) {
            inner.acknowledged = withheld.count;
            self.relist.notify_one();
        }
    }

    /// Waits until a new list is asked for.
    pub(crate) async fn relist_requested(&self) {
        self.relist.notified().await;
    }

    /// An object could not be read or cleaned.
    pub(crate) fn record_failure(&self, id: &ObjectId, failure: Failure) {
        tracing::warn!(object = %id, why = failure.message, "object left out");
        self.stats.failed.add(1);
        let mut inner = self.inner();
        if inner.failures.len() < NAMED_FAILURES {
            inner.failures.push(ObjectFailure::new(id.clone(), failure));
        }
    }

    /// What the report says beside numbers. Failures are handed out once.
    pub(crate) fn take_report(&self) -> LaneReport {
        let mut inner = self.inner();
        LaneReport { failures: std::mem::take(&mut inner.failures), withheld: inner.withheld.clone() }
    }
}
