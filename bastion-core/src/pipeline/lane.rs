//! One kind's lane: its tracker behind a lock, and whom to wake when something in it changed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    engine::{KindReport, NAMED_FAILURES},
    error::{Result, chain},
    object::{GroupKind, Kind, ObjectId, ResourceVersion},
    pipeline::{
        context::{Context, ToBatcher},
        judge::{Judge, Verdict},
        patience::Patience,
        queue::Seen,
        state::Event,
        stats::KindStats,
        tracker::{Job, Tracker},
        workers,
    },
    record::{Accepted, Position, Withheld},
};

/// How a lane begins.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) kind: Kind,
    pub(crate) judge: Judge,
    pub(crate) fingerprint: Arc<str>,
    /// Where to resume; `None` for a list.
    pub(crate) from: Option<ResourceVersion>,
    /// What the log says is withheld.
    pub(crate) withheld: Option<Withheld>,
    /// How many of it were accepted.
    pub(crate) accepted: u64,
}

#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) ctx: Arc<Context>,
    pub(crate) kind: Kind,
    pub(crate) group_kind: GroupKind,
    pub(crate) judge: Judge,
    pub(crate) stats: Arc<KindStats>,
    /// Its stream is not read on.
    pub(crate) stop: CancellationToken,
    /// All its tasks end at once.
    pub(crate) kill: CancellationToken,
    /// Withheld deletions were accepted: the list is to be read anew.
    pub(crate) relist: Notify,
    fingerprint: Arc<str>,
    inner: Mutex<Inner>,
    work: Notify,
    room: Notify,
    calm: Notify,
}

#[derive(Debug)]
struct Inner {
    tracker: Tracker,
    workers: usize,
    withheld: Option<Withheld>,
    accepted: u64,
    failures: Vec<(ObjectId, String)>,
}

impl Lane {
    /// A lane whose tasks end with `life`.
    pub(crate) fn new(ctx: Arc<Context>, begin: Beginning, life: &CancellationToken) -> Self {
        let group_kind = begin.kind.group_kind();
        let stats = ctx.stats.kind(&group_kind);
        stats.withheld.set(begin.withheld.as_ref().map_or(0, |w| w.count));
        let mut tracker = Tracker::new(begin.from, stats.clone());
        tracker.low.hold(begin.withheld.is_some());
        let kill = life.child_token();
        Self {
            ctx,
            kind: begin.kind,
            group_kind,
            judge: begin.judge,
            stats,
            stop: kill.child_token(),
            kill,
            relist: Notify::new(),
            fingerprint: begin.fingerprint,
            inner: Mutex::new(Inner {
                tracker,
                workers: 0,
                withheld: begin.withheld,
                accepted: begin.accepted,
                failures: Vec::new(),
            }),
            work: Notify::new(),
            room: Notify::new(),
            calm: Notify::new(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the workers of the floor.
    pub(crate) fn start(self: &Arc<Self>) {
        let mut inner = self.inner();
        self.hire(&mut inner);
    }

    /// Takes in an observation; waits while too many objects wait already.
    pub(crate) async fn offer(self: &Arc<Self>, id: &ObjectId, seen: Seen) {
        loop {
            // Registered before the look, so that room made in between is not missed.
            let room = self.room.notified();
            let mut room = std::pin::pin!(room);
            room.as_mut().enable();
            {
                let mut inner = self.inner();
                if inner.tracker.waiting() < self.ctx.options.queue_objects || inner.tracker.holds(id) {
                    return self.take_in(&mut inner, id, seen);
                }
            }
            room.await;
        }
    }

    /// Takes in an observation beyond every bound: for the batcher, which must not wait for workers that wait
    /// for it.
    pub(crate) fn offer_at_once(self: &Arc<Self>, id: &ObjectId, seen: Seen) {
        self.take_in(&mut self.inner(), id, seen);
    }

    fn take_in(self: &Arc<Self>, inner: &mut Inner, id: &ObjectId, seen: Seen) {
        inner.tracker.offer(id, seen, self.ctx.options.runtime.uptime());
        self.hire(inner);
        self.work.notify_one();
    }

    /// Starts as many workers as the depth of the queue asks for.
    fn hire(self: &Arc<Self>, inner: &mut Inner) {
        let missing = self.ctx.options.workers.missing(inner.workers, inner.tracker.ready());
        for _ in 0..missing {
            inner.workers += 1;
            self.ctx.options.runtime.spawn(Box::pin(workers::work(self.clone())));
        }
        self.stats.workers.set(inner.workers as u64);
    }

    /// The next object for a worker; `None` when the worker is to go.
    pub(crate) async fn next_job(&self) -> Option<Job> {
        let options = &self.ctx.options;
        loop {
            let spare = {
                let mut inner = self.inner();
                if let Some(job) = inner.tracker.take() {
                    self.room.notify_one();
                    return Some(job);
                }
                options.workers.may_stop(inner.workers)
            };
            let idle = async {
                if spare {
                    options.runtime.sleep(options.workers.idle_time()).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                () = self.kill.cancelled() => return None,
                () = self.work.notified() => {}
                () = idle => {
                    let inner = self.inner();
                    if inner.tracker.ready() == 0 && options.workers.may_stop(inner.workers) {
                        return None;
                    }
                }
            }
        }
    }

    /// A worker is gone.
    pub(crate) fn worker_left(&self) {
        let mut inner = self.inner();
        inner.workers = inner.workers.saturating_sub(1);
        self.stats.workers.set(inner.workers as u64);
    }

    /// Moves an object on.
    pub(crate) fn step(&self, id: &ObjectId, event: Event) {
        let mut inner = self.inner();
        if let Some(since) = inner.tracker.step(id, event) {
            if event == Event::Committed {
                self.stats.latency.record(self.ctx.options.runtime.uptime().saturating_sub(since));
            }
            if inner.tracker.ready() > 0 {
                self.work.notify_one();
            }
            if inner.tracker.is_idle() {
                self.calm.notify_waiters();
            }
        }
    }

    /// Looks at, or changes, the tracker.
    pub(crate) fn tracker<T>(&self, f: impl FnOnce(&mut Tracker) -> T) -> T {
        f(&mut self.inner().tracker)
    }

    /// Whether the log has the object just as it was seen, and nothing of it is on its way: then there is
    /// nothing to do. `false` where that is not known without a look into the log's files.
    pub(crate) fn has_already(&self, id: &ObjectId, seen: &Seen) -> bool {
        // Asked for before the index is: what leaves the tracker is in the index.
        if self.tracker(|t| t.is_under_way(id)) {
            return false;
        }
        let newest = self.ctx.index.newest_in_memory(id).filter(|n| n.order == self.judge.order(seen));
        newest.is_some() && self.judge.judge(seen, newest.as_ref()) == Verdict::Unchanged
    }

    /// Whether the log has the kind, made by the rules of now: then a list without content shows what differs.
    pub(crate) fn is_in_log(&self) -> bool {
        // A position is where everything before it is in the log by these rules.
        if self.position().is_some() {
            self.judge.same_rules.store(true, Relaxed);
        }
        self.judge.same_rules.load(Relaxed)
    }

    /// Waits until nothing waits and nothing is in flight.
    pub(crate) async fn calm(&self) {
        loop {
            let calm = self.calm.notified();
            let mut calm = std::pin::pin!(calm);
            calm.as_mut().enable();
            if self.inner().tracker.is_idle() {
                return;
            }
            calm.await;
        }
    }

    /// Where to resume, once the batch that is being sealed is durable.
    pub(crate) fn position(&self) -> Option<Position> {
        let inner = self.inner();
        inner.tracker.low.position().map(|at| Position {
            policy: self.judge.policy.clone(),
            kind: self.group_kind.clone(),
            resource_version: at.clone(),
            fingerprint: self.fingerprint.clone(),
        })
    }

    /// What the brake withholds now, and how many of it were accepted.
    pub(crate) fn withheld(&self) -> (Option<Withheld>, u64) {
        let inner = self.inner();
        (inner.withheld.clone(), inner.accepted)
    }

    /// The brake withholds this, or nothing any more.
    pub(crate) async fn withhold(&self, withheld: Option<Withheld>) {
        let changed = {
            let mut inner = self.inner();
            inner.tracker.low.hold(withheld.is_some());
            self.stats.withheld.set(withheld.as_ref().map_or(0, |w| w.count));
            inner.accepted = 0;
            std::mem::replace(&mut inner.withheld, withheld.clone()) != withheld
        };
        if changed {
            self.note().await;
        }
    }

    /// A person accepted deletions.
    pub(crate) fn accept(&self, accepted: &Accepted) {
        let mut inner = self.inner();
        if let Some(withheld) = inner.withheld.as_ref().filter(|w| w.since == accepted.since) {
            inner.accepted = withheld.count;
            self.relist.notify_one();
        }
    }

    /// Asks for a commit of what is to be noted.
    pub(crate) async fn note(&self) {
        // The batcher is gone only when the run is over.
        let _ = self.ctx.to_batcher.send(ToBatcher::Note).await;
    }

    /// An object could not be read or cleaned.
    pub(crate) fn failed(&self, id: &ObjectId, why: String) {
        tracing::warn!(object = %id, why, "left out");
        self.stats.failed.add(1);
        let mut inner = self.inner();
        if inner.failures.len() < NAMED_FAILURES {
            inner.failures.push((id.clone(), why));
        }
    }

    /// What the report says beside numbers.
    pub(crate) fn report(&self) -> KindReport {
        let mut inner = self.inner();
        KindReport {
            failures: std::mem::take(&mut inner.failures),
            withheld: inner.withheld.clone(),
            ..KindReport::default()
        }
    }

    /// Does it again and again while that may help. Errors are shown, and forgotten once it worked.
    pub(crate) async fn patiently<T, F>(&self, what: impl Fn() -> F + Send + Sync) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send,
        T: Send,
    {
        let mut patience = Patience::default();
        loop {
            let error = match what().await {
                Ok(value) => {
                    if patience.is_tried() {
                        self.stats.set_error(None);
                    }
                    return Ok(value);
                }
                Err(error) => error,
            };
            self.stats.set_error(Some(chain(&error)));
            if !patience.wait(&error, self.ctx.is_one_shot(), &self.ctx.options.runtime).await {
                return Err(error);
            }
        }
    }
}
