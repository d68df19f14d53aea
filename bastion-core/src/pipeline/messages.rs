//! What the tasks of an engine tell each other: lanes the batcher, and both the engine.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::{
    error::Error,
    pipeline::{
        budget::{Budget, Share},
        lane::Lane,
    },
    record::{Change, What},
};

/// What the batcher is told.
#[derive(Debug)]
pub(crate) enum BatcherMessage {
    /// To be committed.
    Record(Box<Record>),
    /// A position or a note is worth a commit of its own, soon.
    Note,
    /// Every record so far is of a former incarnation. `begin` says whether the next one is to be begun in the
    /// log (or another writer has done so). The answer is the incarnation that the log is in then.
    Restart { begin: bool, done: oneshot::Sender<u32> },
    /// Nothing more comes: commit what is there, and close the writer.
    Finish,
}

/// A change on its way, with the room that it takes.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) lane: Arc<Lane>,
    pub(crate) change: Change,
    pub(crate) share: Share,
}

/// What the engine is told.
#[derive(Debug)]
pub(crate) enum EngineEvent {
    /// A kind's stream ended, and everything of it is settled.
    StreamEnded { lane: Arc<Lane>, error: Option<Error> },
    /// A kind that is no longer served has nothing under way any more.
    Drained { lane: Arc<Lane> },
    /// resourceVersions went backwards.
    Rewound { lane: Arc<Lane> },
    /// Another writer began a new incarnation.
    NewIncarnation,
    /// The run cannot go on.
    Fatal(Error),
}

/// Where events for the engine go.
#[derive(Debug, Clone)]
pub(crate) struct EngineEvents(mpsc::UnboundedSender<EngineEvent>);

impl EngineEvents {
    /// Events that the engine receives at the other end.
    pub(crate) fn channel() -> (Self, mpsc::UnboundedReceiver<EngineEvent>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    pub(crate) fn send(&self, event: EngineEvent) {
        // An engine that is gone needs no telling: the run is over.
        let _ = self.0.send(event);
    }
}

/// Where records for the batcher go.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    to_batcher: mpsc::Sender<BatcherMessage>,
    room: Budget,
}

impl Outbox {
    /// `room` bounds the bytes of bodies that wait for a commit or are in one.
    pub(crate) fn new(to_batcher: mpsc::Sender<BatcherMessage>, room: Budget) -> Self {
        Self { to_batcher, room }
    }

    /// Hands over a change; waits for room.
    pub(crate) async fn record(&self, lane: Arc<Lane>, change: Change) {
        let Some(share) = self.room.take(body_len(&change)).await else { return };
        self.send(BatcherMessage::Record(Box::new(Record { lane, change, share }))).await;
    }

    /// Tells the batcher something else.
    pub(crate) async fn send(&self, message: BatcherMessage) {
        // A batcher that is gone has said why itself.
        let _ = self.to_batcher.send(message).await;
    }
}

/// Bytes of the change's body.
pub(crate) fn body_len(change: &Change) -> usize {
    match &change.what {
        What::Put { body, .. } => body.len(),
        What::Deleted(_) | What::Released => 0,
    }
}
