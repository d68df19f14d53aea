//! The one batcher of an engine: one commit in flight, changes gather meanwhile, no timer.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    error::Result,
    pipeline::{
        budget::Budget,
        kind::Pipelines,
        messages::{BatcherMessage, EngineEvent, EngineEvents},
        options::BatcherOptions,
        retry::Retrier,
        state::Transition,
        stats::{Saved, Stats},
    },
    repository::{CommitNotes, Committed, Writer},
    runtime::SharedRuntime,
};

mod committer;
mod inbox;
mod noted;

use committer::Committer;
use inbox::{Gathering, Inbox};
use noted::Noted;

/// Everything that the batcher was given is durable.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Whether the last checkpoint was written.
    pub(crate) closed: Result<()>,
}

/// What a batcher works with beside its writer.
#[derive(Debug)]
pub(crate) struct BatcherParts {
    pub(crate) policy: Arc<str>,
    pub(crate) options: BatcherOptions,
    pub(crate) retrier: Retrier,
    pub(crate) stats: Arc<Stats>,
    /// The room of the bodies that lanes hand over.
    pub(crate) room: Budget,
    pub(crate) pipelines: Pipelines,
    pub(crate) messages: mpsc::Receiver<BatcherMessage>,
    pub(crate) events: EngineEvents,
}

#[derive(Debug)]
pub(crate) struct Batcher {
    policy: Arc<str>,
    options: BatcherOptions,
    runtime: SharedRuntime,
    stats: Arc<Stats>,
    pipelines: Pipelines,
    events: EngineEvents,
    committer: Committer,
    inbox: Inbox,
    noted: Noted,
    /// The incarnation that the lanes observe.
    incarnation: u32,
    /// When the last commit ended, and when positions were last committed or the log's end last read.
    committed_at: Option<Duration>,
    looked_at: Duration,
}

impl Batcher {
    pub(crate) fn new(writer: Writer, parts: BatcherParts) -> Self {
        let BatcherParts { policy, options, retrier, stats, room, pipelines, messages, events } = parts;
        let runtime = writer.runtime().clone();
        Self {
            noted: Noted::in_log(&writer, &policy),
            incarnation: writer.head().incarnation.max(1),
            committed_at: None,
            looked_at: runtime.uptime(),
            inbox: Inbox::new(messages, stats.clone(), room),
            committer: Committer::new(writer, retrier, stats.clone()),
            policy,
            options,
            runtime,
            stats,
            pipelines,
            events,
        }
    }

    /// Commits what comes until it is told to finish. An error ends the run.
    pub(crate) async fn run(mut self) -> Result<Finished> {
        self.committer.limit_patience();
        let mut gathering = self.new_batch();
        self.stats.engine.set_head(self.committer.writer.head());
        loop {
            self.gather(&mut gathering).await?;
            self.committer.limit_patience();
            if let Some((begin, done)) = self.inbox.requests.restart.take() {
                if begin {
                    let head = self.committer.begin_incarnation().await?;
                    self.incarnation = head.incarnation.max(1);
                    self.stats.engine.set_head(&head);
                }
                // Whatever was gathered is of the former incarnation, and so are the saved positions.
                gathering = self.new_batch();
                self.noted.forget_positions();
                // The engine is gone only when the run is over.
                let _ = done.send(self.incarnation);
                continue;
            }
            let nothing_to_note = self.noted.changes(&self.pipelines) == CommitNotes::default();
            let only_notes = gathering.items.is_empty();
            let due = self.inbox.requests.note || self.inbox.requests.finish || self.is_look_due();
            self.inbox.requests.note = false;
            if only_notes && nothing_to_note {
                if self.is_look_due() && !self.inbox.requests.finish {
                    self.catch_up().await?;
                }
            } else if !only_notes || due {
                gathering = self.commit(gathering).await?;
            }
            if self.inbox.requests.finish
                && gathering.items.is_empty()
                && self.noted.changes(&self.pipelines) == CommitNotes::default()
            {
                break;
            }
        }
        Ok(Finished { closed: self.committer.writer.close().await })
    }

    fn new_batch(&self) -> Gathering {
        Gathering { batch: self.committer.writer.batch(), items: Vec::new() }
    }

    /// Handles what there is, and waits until something is worth a commit.
    async fn gather(&mut self, gathering: &mut Gathering) -> Result<()> {
        loop {
            self.inbox.handle_waiting(gathering).await?;
            let now = self.runtime.uptime();
            let ready = if gathering.items.is_empty() { self.next_look() } else { self.next_commit() };
            let full = gathering.batch.raw_bytes() > self.options.batch_bytes as u64 / 2;
            if self.inbox.requests.is_urgent() || now >= ready || (full && !gathering.items.is_empty()) {
                return Ok(());
            }
            let wait = self.runtime.sleep(ready.saturating_sub(now));
            tokio::select! {
                biased;
                message = self.inbox.next() => self.inbox.handle(gathering, message).await?,
                () = wait => {}
            }
        }
    }

    fn next_commit(&self) -> Duration {
        self.committed_at.map_or(Duration::ZERO, |at| at + self.options.commit_interval)
    }

    fn next_look(&self) -> Duration {
        self.looked_at + self.options.position_interval
    }

    fn is_look_due(&self) -> bool {
        self.runtime.uptime() >= self.next_look()
    }

    /// Commits a batch while the next one gathers, which it gives back.
    async fn commit(&mut self, mut sealed: Gathering) -> Result<Gathering> {
        for item in &sealed.items {
            item.lane.tracker(|t| t.seal(&item.id));
        }
        // Only now: the positions may pass what rides in the same segment.
        let notes = self.noted.changes(&self.pipelines);
        let started = self.runtime.uptime();
        let mut next = self.new_batch();
        let done = CancellationToken::new();
        let committing = async {
            let committed = self.committer.commit(&mut sealed.batch, &notes).await;
            done.cancel();
            committed
        };
        let filling = self.inbox.handle_until(&mut next, &done);
        let (committed, filled) = tokio::join!(biased; committing, filling);
        let committed = committed?;
        filled?;
        let now = self.runtime.uptime();
        self.committed_at = Some(now);
        if !notes.positions.is_empty() {
            self.looked_at = now;
        }
        let engine = &self.stats.engine;
        if sealed.items.is_empty() { &engine.position_commits } else { &engine.commits }.add(1);
        engine.latency.record(now.saturating_sub(started));
        self.noted.update(notes);
        for item in sealed.items {
            item.lane.stats.committed.add(1);
            item.lane.stats.bytes.add(item.bytes);
            item.lane.advance(&item.id, Transition::Committed);
            engine.note_saved(Saved { id: item.id, state: item.state, revision: committed.head.number });
        }
        self.handle_committed(committed).await?;
        Ok(next)
    }

    /// What the writer read of others on the way.
    async fn handle_committed(&mut self, committed: Committed) -> Result<()> {
        self.stats.engine.set_head(&committed.head);
        self.inbox.show_bytes();
        if committed.head.incarnation.max(1) > self.incarnation {
            self.incarnation = committed.head.incarnation;
            self.events.send(EngineEvent::NewIncarnation);
        }
        self.stats.engine.stale.add(committed.stale as u64);
        self.stats.engine.stored.add(committed.bytes);
        for id in &committed.foreign {
            if let Some(pipeline) = self.pipelines.get(&id.group_kind()) {
                pipeline.recheck(id).await?;
            }
        }
        for acknowledgement in committed.acknowledged.iter().filter(|a| a.policy == self.policy) {
            if let Some(pipeline) = self.pipelines.get(&acknowledgement.kind) {
                pipeline.lane.acknowledge(acknowledgement);
            }
        }
        Ok(())
    }

    /// Nothing was committed for a while: reads what others wrote, and whether another took over.
    async fn catch_up(&mut self) -> Result<()> {
        self.looked_at = self.runtime.uptime();
        match self.committer.catch_up().await? {
            Some(committed) => self.handle_committed(committed).await,
            None => Ok(()),
        }
    }
}
