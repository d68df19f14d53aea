use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    options::EngineOptions,
    report::Report,
    resume::ResumeState,
    run::{Run, RunParts},
};
use crate::{
    error::Result,
    pipeline::{
        Batcher, BatcherParts, Budget, EngineEvents, Lookup, Outbox, Pipelines, Preparer, Retrier, Shared, Stats,
    },
    repository::Writer,
    source::Source,
};

/// How many records may lie between workers and batcher; their bytes are bounded by the options.
const HANDOVER: usize = 64;

/// Follows a source and writes what changes. See [`crate::pipeline`] for how.
#[derive(Debug)]
pub struct Engine {
    source: Arc<dyn Source>,
    writer: Writer,
    options: EngineOptions,
    stats: Arc<Stats>,
}

impl Engine {
    /// An engine between a source and a cluster's log. It works with the runtime of the writer's repository.
    pub fn new(source: Arc<dyn Source>, writer: Writer, options: EngineOptions) -> Self {
        let stats = Arc::new(Stats::new(writer.runtime().clone()));
        Self { source, writer, options, stats }
    }

    /// What is counted while it runs; stays readable afterwards.
    pub fn stats(&self) -> Arc<Stats> {
        self.stats.clone()
    }

    /// Runs until a one-shot source is read to its end, or until `cancel`. Then what is under way is made
    /// durable, positions are saved, and the writer is closed.
    ///
    /// A kind or an object that fails is part of the report. An error ends the run: the log cannot be written
    /// or read, or another writer of the same role took over. Dropping the future ends everything at once;
    /// the next run finds out what was durable.
    pub async fn run(self, cancel: CancellationToken) -> Result<Report> {
        let Self { source, writer, options, stats } = self;
        let EngineOptions { pipeline: options, flush_deadline } = options;
        let runtime = writer.runtime().clone();
        let policy = source.policy();
        let resume = ResumeState::in_log(&writer, &policy);
        let retrier = Retrier::new(runtime.clone());
        let room = Budget::new(options.batcher.batch_bytes);
        let pipelines = Pipelines::default();
        let (to_batcher, messages) = mpsc::channel(HANDOVER);
        let (to_engine, events) = EngineEvents::channel();
        let shared = Arc::new(Shared {
            lookup: Lookup { source, index: writer.index(), retrier: retrier.clone() },
            preparer: Preparer::new(options.sanitizer, writer.hasher(), runtime.clone(), options.concurrency),
            queue_room: Budget::new(options.queue_bytes),
            outbox: Outbox::new(to_batcher, room.clone()),
            events: to_engine.clone(),
            reader: options.reader,
            runtime,
        });
        let batcher = Batcher::new(
            writer,
            BatcherParts {
                policy,
                options: options.batcher,
                retrier,
                stats: stats.clone(),
                room,
                pipelines: pipelines.clone(),
                messages,
                events: to_engine,
            },
        );
        let shutdown = CancellationToken::new();
        let _shutdown_on_drop = shutdown.clone().drop_guard();
        let parts = RunParts { shared, stats, lane: options.lane, flush_deadline, pipelines, resume, shutdown, events };
        Run::new(parts).run(batcher, cancel).await
    }
}
