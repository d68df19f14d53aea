//! What lanes hand to the batcher, and the batch that gathers of it.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    error::{Error, Failure, Result},
    object::ObjectId,
    pipeline::{
        budget::{Budget, Share},
        lane::Lane,
        messages::{BatcherMessage, Record, body_len},
        state::Transition,
        stats::Stats,
    },
    record::RevisionState,
    repository::Batch,
};

/// A batch that gathers, and the objects in it.
#[derive(Debug)]
pub(super) struct Gathering {
    pub(super) batch: Batch,
    pub(super) items: Vec<Item>,
}

/// An object of a batch, to be moved on when it is durable.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) lane: Arc<Lane>,
    pub(super) id: ObjectId,
    pub(super) state: RevisionState,
    pub(super) bytes: u64,
    _share: Share,
}

/// What was asked for beside records and is to be done between commits.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pub(super) note: bool,
    pub(super) restart: Option<(bool, oneshot::Sender<u32>)>,
    pub(super) finish: bool,
}

impl Requests {
    pub(super) fn is_urgent(&self) -> bool {
        self.note || self.restart.is_some() || self.finish
    }
}

#[derive(Debug)]
pub(super) struct Inbox {
    messages: mpsc::Receiver<BatcherMessage>,
    stats: Arc<Stats>,
    room: Budget,
    pub(super) requests: Requests,
}

impl Inbox {
    /// `room` is that of the bodies which lanes hand over.
    pub(super) fn new(messages: mpsc::Receiver<BatcherMessage>, stats: Arc<Stats>, room: Budget) -> Self {
        Self { messages, stats, room, requests: Requests::default() }
    }

    /// Handles what has come so far.
    pub(super) async fn handle_waiting(&mut self, gathering: &mut Gathering) -> Result<()> {
        while let Ok(message) = self.messages.try_recv() {
            self.handle(gathering, message).await?;
        }
        Ok(())
    }

    /// The next message. Never returns once all senders are gone: the run is being torn down then.
    pub(super) async fn next(&mut self) -> BatcherMessage {
        match self.messages.recv().await {
            Some(message) => message,
            None => std::future::pending().await,
        }
    }

    /// Handles what comes until the commit is done.
    pub(super) async fn handle_until(&mut self, gathering: &mut Gathering, done: &CancellationToken) -> Result<()> {
        loop {
            let message = tokio::select! {
                biased;
                () = done.cancelled() => return Ok(()),
                message = self.messages.recv() => message,
            };
            match message {
                Some(message) => self.handle(gathering, message).await?,
                None => done.cancelled().await,
            }
        }
    }

    /// How many bytes of bodies wait for a commit or are in one.
    pub(super) fn show_bytes(&self) {
        self.stats.engine.bytes_in_flight.set(self.room.held());
    }

    pub(super) async fn handle(&mut self, gathering: &mut Gathering, message: BatcherMessage) -> Result<()> {
        match message {
            BatcherMessage::Record(record) => self.push(gathering, *record).await?,
            BatcherMessage::Note => self.requests.note = true,
            BatcherMessage::Restart { begin, done } => self.requests.restart = Some((begin, done)),
            BatcherMessage::Finish => self.requests.finish = true,
        }
        Ok(())
    }

    async fn push(&self, gathering: &mut Gathering, record: Record) -> Result<()> {
        let Record { lane, change, share } = record;
        if lane.kill.is_cancelled() {
            return Ok(());
        }
        let (id, bytes) = (change.id.clone(), body_len(&change) as u64);
        let state = change.what.state();
        match gathering.batch.push(change).await {
            Ok(()) => {}
            Err(ref error @ Error::Object { ref why, .. }) => {
                // The report names the object itself.
                lane.record_failure(&id, Failure { category: error.category(), message: why.clone() });
                lane.advance(&id, Transition::Failed);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        if state == RevisionState::Put {
            lane.advance(&id, Transition::Written);
        }
        self.show_bytes();
        gathering.items.push(Item { lane, id, state, bytes, _share: share });
        Ok(())
    }
}
