//! From a [`Source`] into the log: the engine follows every kind that the source names, one pipeline each,
//! and commits what changed.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    error::{Error, Result},
    pipeline::Stats,
    repository::Writer,
    source::Source,
};

mod options;
mod report;

pub use options::EngineOptions;
pub use report::{KindReport, NAMED_FAILURES, Report};

/// Follows a source and writes what changes. See [`crate::pipeline`] for how.
#[derive(Debug)]
pub struct Engine {
    source: Arc<dyn Source>,
    writer: Writer,
    options: EngineOptions,
    stats: Arc<Stats>,
}

impl Engine {
    /// An engine between a source and a cluster's log.
    pub fn new(source: Arc<dyn Source>, writer: Writer, options: EngineOptions) -> Self {
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
    /// or read, or another writer of the same role took over.
    pub async fn run(self, cancel: CancellationToken) -> Result<Report> {
        let _ = (self.source, self.writer, self.options, cancel);
        Err(Error::Invalid("not built yet".into()))
    }
}
