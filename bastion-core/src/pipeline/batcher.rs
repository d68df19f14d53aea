//! The one batcher of an engine: one commit in flight, changes gather meanwhile, no timer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    error::{Error, Result, chain},
    object::GroupKind,
    pipeline::{
        context::{Context, Finished, Item, Record, ToBatcher, ToEngine},
        lane::Lane,
        patience::Patience,
        state::Event,
        stats::Saved,
        workers::{body_len, check_foreign},
    },
    record::{Position, RevisionState, Withheld},
    repository::{Batch, CommitNotes, Committed, Writer},
};

/// A storage that is away is shown as an error after this long, and tried on.
const SHOWN_AFTER: Duration = Duration::from_secs(30);

/// The lanes that are alive, by kind: the engine adds and removes, the batcher asks them for positions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lanes(Arc<Mutex<BTreeMap<GroupKind, Arc<Lane>>>>);

impl Lanes {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<GroupKind, Arc<Lane>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, lane: Arc<Lane>) {
        self.lock().insert(lane.group_kind.clone(), lane);
    }

    pub(crate) fn remove(&self, kind: &GroupKind) -> Option<Arc<Lane>> {
        self.lock().remove(kind)
    }

    pub(crate) fn get(&self, kind: &GroupKind) -> Option<Arc<Lane>> {
        self.lock().get(kind).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Lane>> {
        self.lock().values().cloned().collect()
    }
}

/// A batch that gathers, and who is to be told when it is durable.
#[derive(Debug)]
struct Gathered {
    batch: Batch,
    items: Vec<Item>,
}

/// What was told beside records and is to be done between commits.
#[derive(Debug, Default)]
struct Asked {
    note: bool,
    restart: Option<(bool, oneshot::Sender<u32>)>,
    finish: bool,
}

impl Asked {
    fn is_urgent(&self) -> bool {
        self.note || self.restart.is_some() || self.finish
    }
}

#[derive(Debug)]
pub(crate) struct Batcher {
    ctx: Arc<Context>,
    writer: Writer,
    from_lanes: mpsc::Receiver<ToBatcher>,
    lanes: Lanes,
    /// What the log has of this policy.
    positions: BTreeMap<GroupKind, Position>,
    withheld: BTreeMap<GroupKind, Withheld>,
    asked: Asked,
    /// The life of etcd that the lanes observe.
    incarnation: u32,
    /// When the last commit ended, and when positions were last committed or the log's end last read.
    committed_at: Option<Duration>,
    looked_at: Duration,
}

impl Batcher {
    pub(crate) fn new(ctx: Arc<Context>, writer: Writer, from_lanes: mpsc::Receiver<ToBatcher>, lanes: Lanes) -> Self {
        let policy = ctx.source.policy();
        let positions = writer.positions().into_iter().filter(|p| p.policy == policy);
        let withheld = writer.withheld().into_iter().filter(|w| w.policy == policy);
        Self {
            positions: positions.map(|p| (p.kind.clone(), p)).collect(),
            withheld: withheld.map(|w| (w.kind.clone(), w)).collect(),
            asked: Asked::default(),
            incarnation: writer.head().incarnation.max(1),
            committed_at: None,
            looked_at: ctx.options.runtime.uptime(),
            ctx,
            writer,
            from_lanes,
            lanes,
        }
    }

    /// Commits what comes until it is told to finish. An error ends the run.
    pub(crate) async fn run(mut self) -> Result<Finished> {
        // Until it is known that the source ends by itself.
        self.writer.limit_patience(Some(SHOWN_AFTER));
        let mut gathered = self.gathered();
        self.ctx.set_head(self.writer.head());
        loop {
            self.gather(&mut gathered).await?;
            self.writer.limit_patience((!self.ctx.is_one_shot()).then_some(SHOWN_AFTER));
            if let Some((begin, done)) = self.asked.restart.take() {
                if begin {
                    self.begin_incarnation().await?;
                }
                // Whatever was gathered is of the former life, and so are the saved positions.
                gathered = self.gathered();
                self.positions.clear();
                // The engine is gone only when the run is over.
                let _ = done.send(self.incarnation);
                continue;
            }
            let notes = self.notes();
            let only_notes = gathered.items.is_empty();
            let due = self.asked.note || self.asked.finish || self.is_look_due();
            self.asked.note = false;
            if only_notes && notes == CommitNotes::default() {
                if self.is_look_due() && !self.asked.finish {
                    self.catch_up().await?;
                }
            } else if !only_notes || due {
                gathered = self.commit(gathered).await?;
            }
            if self.asked.finish && gathered.items.is_empty() && self.notes() == CommitNotes::default() {
                break;
            }
        }
        Ok(Finished { closed: self.writer.close().await })
    }

    fn gathered(&self) -> Gathered {
        Gathered { batch: self.writer.batch(), items: Vec::new() }
    }

    /// Takes in what there is, and waits until something is worth a commit.
    async fn gather(&mut self, gathered: &mut Gathered) -> Result<()> {
        loop {
            while let Ok(told) = self.from_lanes.try_recv() {
                take_in(&self.ctx, &mut self.asked, gathered, told).await?;
            }
            let now = self.ctx.options.runtime.uptime();
            let ready = if gathered.items.is_empty() { self.next_look() } else { self.next_commit() };
            let full = gathered.batch.raw_bytes() > self.ctx.options.batch_bytes as u64 / 2;
            if self.asked.is_urgent() || now >= ready || (full && !gathered.items.is_empty()) {
                return Ok(());
            }
            let wait = self.ctx.options.runtime.sleep(ready.saturating_sub(now));
            tokio::select! {
                biased;
                told = self.from_lanes.recv() => match told {
                    Some(told) => take_in(&self.ctx, &mut self.asked, gathered, told).await?,
                    // Nobody is left who could send: the run is being torn down.
                    None => std::future::pending().await,
                },
                () = wait => {}
            }
        }
    }

    fn next_commit(&self) -> Duration {
        self.committed_at.map_or(Duration::ZERO, |at| at + self.ctx.options.commit_interval)
    }

    fn next_look(&self) -> Duration {
        self.looked_at + self.ctx.options.position_interval
    }

    fn is_look_due(&self) -> bool {
        self.ctx.options.runtime.uptime() >= self.next_look()
    }

    /// Positions that moved and deletions that are withheld, or no longer, as against the log.
    fn notes(&self) -> CommitNotes {
        let mut notes = CommitNotes::default();
        for lane in self.lanes.all() {
            let kind = &lane.group_kind;
            notes.positions.extend(lane.position().filter(|p| self.positions.get(kind) != Some(p)));
            match (lane.withheld().0, self.withheld.get(kind)) {
                (Some(now), before) if before != Some(&now) => notes.withheld.push(now),
                (None, Some(before)) => {
                    notes.withheld.push(Withheld { count: 0, of: 0, examples: Vec::new(), ..before.clone() });
                }
                _ => {}
            }
        }
        notes
    }

    /// Commits a batch while the next one gathers, which it gives back.
    async fn commit(&mut self, mut sealed: Gathered) -> Result<Gathered> {
        for item in &sealed.items {
            item.lane.tracker(|t| t.seal(&item.id));
        }
        // Only now: the positions may pass what rides in the same segment.
        let notes = self.notes();
        let started = self.ctx.options.runtime.uptime();
        let mut next = self.gathered();
        let done = CancellationToken::new();
        let committing = async {
            let committed = commit_patiently(&self.ctx, &mut self.writer, &mut sealed.batch, &notes).await;
            done.cancel();
            committed
        };
        let filling = fill(&self.ctx, &mut self.from_lanes, &mut self.asked, &mut next, &done);
        let (committed, filled) = tokio::join!(biased; committing, filling);
        let committed = committed?;
        filled?;
        let now = self.ctx.options.runtime.uptime();
        self.committed_at = Some(now);
        if !notes.positions.is_empty() {
            self.looked_at = now;
        }
        let engine = &self.ctx.stats.engine;
        if sealed.items.is_empty() { &engine.position_commits } else { &engine.commits }.add(1);
        engine.latency.record(now.saturating_sub(started));
        self.positions.extend(notes.positions.into_iter().map(|p| (p.kind.clone(), p)));
        for withheld in notes.withheld {
            if withheld.count == 0 {
                self.withheld.remove(&withheld.kind);
            } else {
                self.withheld.insert(withheld.kind.clone(), withheld);
            }
        }
        for item in sealed.items {
            item.lane.stats.committed.add(1);
            item.lane.stats.bytes.add(item.bytes);
            item.lane.step(&item.id, Event::Committed);
            engine.note_saved(Saved { id: item.id, state: item.state, segment: committed.head.number });
        }
        self.learn(committed).await?;
        Ok(next)
    }

    /// What the writer read of others on the way.
    async fn learn(&mut self, committed: Committed) -> Result<()> {
        self.ctx.set_head(&committed.head);
        self.ctx.stats.engine.bytes_in_flight.set(self.ctx.batch_room.held());
        if committed.head.incarnation.max(1) > self.incarnation {
            self.incarnation = committed.head.incarnation;
            // The engine is gone only when the run is over.
            let _ = self.ctx.to_engine.send(ToEngine::Incarnation);
        }
        self.ctx.stats.engine.stale.add(committed.stale as u64);
        self.ctx.stats.engine.stored.add(committed.bytes);
        for id in &committed.foreign {
            if let Some(lane) = self.lanes.get(&id.group_kind()) {
                check_foreign(&lane, id).await?;
            }
        }
        let policy = self.ctx.source.policy();
        for accepted in committed.accepted_seen.iter().filter(|a| a.policy == policy) {
            if let Some(lane) = self.lanes.get(&accepted.kind) {
                lane.accept(accepted);
            }
        }
        Ok(())
    }

    /// Nothing was committed for a while: reads what others wrote, and whether another took over.
    async fn catch_up(&mut self) -> Result<()> {
        self.looked_at = self.ctx.options.runtime.uptime();
        match self.writer.catch_up().await {
            Ok(committed) => {
                self.ctx.stats.engine.set_error(None);
                self.learn(committed).await
            }
            Err(error) => {
                self.ctx.stats.engine.set_error(Some(chain(&error)));
                if Patience::default().next(&error, false, 0).is_none() {
                    return Err(error);
                }
                // Nothing waits for it: the next look is the next try.
                tracing::warn!(error = chain(&error), "the end of the log could not be read; trying on");
                Ok(())
            }
        }
    }

    async fn begin_incarnation(&mut self) -> Result<()> {
        let mut patience = Patience::default();
        loop {
            match self.writer.begin_incarnation().await {
                Ok(head) => {
                    self.incarnation = head.incarnation.max(1);
                    self.ctx.set_head(&head);
                    return Ok(());
                }
                Err(error) => {
                    self.ctx.stats.engine.set_error(Some(chain(&error)));
                    if !patience.wait(&error, self.ctx.is_one_shot(), &self.ctx.options.runtime).await {
                        return Err(error);
                    }
                }
            }
        }
    }
}

/// Commits, and tries on while that may help.
async fn commit_patiently(
    ctx: &Context,
    writer: &mut Writer,
    batch: &mut Batch,
    notes: &CommitNotes,
) -> Result<Committed> {
    let mut patience = Patience::default();
    loop {
        match writer.commit(batch, notes).await {
            Ok(committed) => {
                ctx.stats.engine.set_error(None);
                return Ok(committed);
            }
            Err(error) => {
                ctx.stats.engine.set_error(Some(chain(&error)));
                let runtime = &ctx.options.runtime;
                let Some(wait) = patience.next(&error, ctx.is_one_shot(), runtime.random()) else { return Err(error) };
                tracing::warn!(error = chain(&error), "a commit failed; trying on");
                runtime.sleep(wait).await;
            }
        }
    }
}

/// Takes in what comes until the commit is done.
async fn fill(
    ctx: &Context,
    from_lanes: &mut mpsc::Receiver<ToBatcher>,
    asked: &mut Asked,
    next: &mut Gathered,
    done: &CancellationToken,
) -> Result<()> {
    loop {
        let told = tokio::select! {
            biased;
            () = done.cancelled() => return Ok(()),
            told = from_lanes.recv() => told,
        };
        match told {
            Some(told) => take_in(ctx, asked, next, told).await?,
            None => done.cancelled().await,
        }
    }
}

async fn take_in(ctx: &Context, asked: &mut Asked, gathered: &mut Gathered, told: ToBatcher) -> Result<()> {
    match told {
        ToBatcher::Record(record) => push(ctx, gathered, *record).await?,
        ToBatcher::Note => asked.note = true,
        ToBatcher::Restart { begin, done } => asked.restart = Some((begin, done)),
        ToBatcher::Finish => asked.finish = true,
    }
    Ok(())
}

async fn push(ctx: &Context, gathered: &mut Gathered, record: Record) -> Result<()> {
    let Record { lane, change, share } = record;
    if lane.kill.is_cancelled() {
        return Ok(());
    }
    let (id, bytes) = (change.id.clone(), body_len(&change) as u64);
    let state = change.what.state();
    match gathered.batch.push(change).await {
        Ok(()) => {}
        Err(error @ Error::Object { .. }) => {
            lane.failed(&id, chain(&error));
            lane.step(&id, Event::Failed);
            return Ok(());
        }
        Err(error) => return Err(error),
    }
    if state == RevisionState::Put {
        lane.step(&id, Event::Written);
    }
    ctx.stats.engine.bytes_in_flight.set(ctx.batch_room.held());
    gathered.items.push(Item { lane, id, state, bytes, _share: share });
    Ok(())
}
