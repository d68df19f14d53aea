//! What all pipelines of an engine share.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::{
    engine::EngineOptions,
    error::{Error, Result},
    hash::Hasher,
    object::ObjectId,
    pipeline::{
        budget::{Budget, Share},
        lane::Lane,
        stats::Stats,
    },
    record::{Change, RevisionState},
    repository::{Head, Index},
    source::Source,
};

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) index: Arc<Index>,
    pub(crate) hasher: Arc<dyn Hasher>,
    pub(crate) options: EngineOptions,
    pub(crate) stats: Arc<Stats>,
    /// Bodies that wait in queues or are with workers.
    pub(crate) queue_room: Budget,
    /// Changed bodies that wait for a commit or are in one.
    pub(crate) batch_room: Budget,
    /// Turns at the processor: first come, first served, over all kinds.
    pub(crate) turns: Semaphore,
    pub(crate) to_batcher: mpsc::Sender<ToBatcher>,
    pub(crate) to_engine: mpsc::UnboundedSender<ToEngine>,
    one_shot: AtomicBool,
    head: Mutex<Head>,
}

/// What the batcher is told.
#[derive(Debug)]
pub(crate) enum ToBatcher {
    /// To be committed.
    Record(Box<Record>),
    /// A position or a note is worth a commit of its own, soon.
    Note,
    /// Every record so far is of a former life of etcd. `begin` says whether the next life is to be begun in
    /// the log (or another writer has done so). The answer is the incarnation that the log is in then.
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
pub(crate) enum ToEngine {
    /// A kind's stream ended, and everything of it is settled.
    Ended { lane: Arc<Lane>, error: Option<Error> },
    /// A kind that is no longer served has nothing under way any more.
    Retired { lane: Arc<Lane> },
    /// resourceVersions went backwards.
    Rewound { lane: Arc<Lane> },
    /// Another writer began a new incarnation.
    Incarnation,
    /// The run cannot go on.
    Fatal(Error),
}

impl Context {
    pub(crate) fn new(
        source: Arc<dyn Source>,
        index: Arc<Index>,
        hasher: Arc<dyn Hasher>,
        options: EngineOptions,
        stats: Arc<Stats>,
        to_batcher: mpsc::Sender<ToBatcher>,
        to_engine: mpsc::UnboundedSender<ToEngine>,
    ) -> Self {
        Self {
            source,
            index,
            hasher,
            queue_room: Budget::new(options.queue_bytes),
            batch_room: Budget::new(options.batch_bytes),
            turns: Semaphore::new(options.concurrency),
            options,
            stats,
            to_batcher,
            to_engine,
            one_shot: AtomicBool::new(false),
            head: Mutex::default(),
        }
    }

    /// Whether the source is known to end by itself, so that nobody waits for ever.
    pub(crate) fn is_one_shot(&self) -> bool {
        self.one_shot.load(Relaxed)
    }

    pub(crate) fn set_one_shot(&self) {
        self.one_shot.store(true, Relaxed);
    }

    /// The end of the log as the batcher knows it.
    pub(crate) fn head(&self) -> Head {
        self.head.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_head(&self, head: &Head) {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = head.clone();
        let engine = &self.stats.engine;
        engine.segment.set(head.number);
        engine.set_head(head);
        engine.incarnation.set(u64::from(head.incarnation));
        engine.committed_at.set(u64::try_from(head.at.as_millis()).unwrap_or(0));
    }

    /// Ends the run.
    pub(crate) fn fatal(&self, error: Error) {
        // Nobody listens any more: the run is over already.
        let _ = self.to_engine.send(ToEngine::Fatal(error));
    }
}

/// Everything that the batcher was given is durable.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Whether the last checkpoint was written.
    pub(crate) closed: Result<()>,
}

/// An object of a batch, to be told when it is durable.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) lane: Arc<Lane>,
    pub(crate) id: ObjectId,
    pub(crate) state: RevisionState,
    pub(crate) bytes: u64,
    pub(crate) _share: Share,
}
