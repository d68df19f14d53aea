//! The options of each piece of a pipeline, as small values that are handed to just that piece.

use std::{sync::Arc, time::Duration};

use crate::{
    pipeline::{brake::Brake, scale::Workers},
    sanitize::{Rules, Sanitizer},
};

/// How the pipelines of an engine work; `EngineOptions` documents and sets each of these.
#[derive(Debug, Clone)]
pub(crate) struct PipelineOptions {
    pub(crate) sanitizer: Arc<dyn Sanitizer>,
    /// How many objects of all kinds are prepared at the same time.
    pub(crate) concurrency: usize,
    /// Bytes of bodies in the queues of all kinds.
    pub(crate) queue_bytes: usize,
    pub(crate) lane: LaneOptions,
    pub(crate) reader: ReaderOptions,
    pub(crate) batcher: BatcherOptions,
}

/// The bounds of one kind's lane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LaneOptions {
    pub(crate) queue_objects: usize,
    pub(crate) workers: Workers,
}

/// How a kind is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReaderOptions {
    pub(crate) brake: Brake,
    /// About how often the whole kind is compared although its watch goes well.
    pub(crate) compare_interval: Duration,
    /// How often it is asked whether namespaces of withheld deletions are gone.
    pub(crate) ask_interval: Duration,
}

/// How commits are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatcherOptions {
    /// Bytes of changed bodies that wait for a commit or are in one.
    pub(crate) batch_bytes: usize,
    /// The least time between two commits.
    pub(crate) commit_interval: Duration,
    /// The least time between two commits of nothing but positions, and between two looks at the log's end.
    pub(crate) position_interval: Duration,
}

impl Default for PipelineOptions {
    fn default() -> Self {
        let position_interval = Duration::from_mins(1);
        Self {
            sanitizer: Arc::new(Rules::backup()),
            concurrency: std::thread::available_parallelism().map_or(4, |n| 2 * n.get()),
            queue_bytes: 16 << 20,
            lane: LaneOptions { queue_objects: 16_384, workers: Workers::default() },
            reader: ReaderOptions {
                brake: Brake::default(),
                compare_interval: Duration::from_hours(24),
                ask_interval: position_interval,
            },
            batcher: BatcherOptions { batch_bytes: 12 << 20, commit_interval: Duration::ZERO, position_interval },
        }
    }
}
