//! From a [`Source`] into the log: the engine follows every kind that the source names, one pipeline each,
//! and commits what changed.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    error::Result,
    pipeline::{Batcher, Context, Lanes, Stats},
    repository::Writer,
    source::Source,
};

mod follow;
mod log;
mod options;
mod report;
mod run;

pub use options::EngineOptions;
pub use report::{KindReport, NAMED_FAILURES, Report};
use run::Run;

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
    pub fn new(source: Arc<dyn Source>, writer: Writer, mut options: EngineOptions) -> Self {
        options.runtime = writer.runtime().clone();
        let stats = Arc::new(Stats::new(options.runtime.clone()));
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
        let (to_batcher, from_lanes) = mpsc::channel(HANDOVER);
        let (to_engine, told) = mpsc::unbounded_channel();
        let lanes = Lanes::default();
        let log = log::Log::of(&self.writer, &self.source.policy());
        let ctx = Arc::new(Context::new(
            self.source,
            self.writer.index(),
            self.writer.hasher(),
            self.options,
            self.stats,
            to_batcher,
            to_engine,
        ));
        let batcher = Batcher::new(ctx.clone(), self.writer, from_lanes, lanes.clone());
        let life = CancellationToken::new();
        let _ends_everything = life.clone().drop_guard();
        Run::new(ctx, lanes, log, life, told).run(batcher, cancel).await
    }
}
