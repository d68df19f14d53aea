use std::{sync::Arc, time::Duration};

use crate::{
    pipeline::{Brake, Workers},
    runtime::{SharedRuntime, TokioRuntime},
    sanitize::{Rules, Sanitizer},
};

/// How an [`Engine`](super::Engine) works. The defaults are meant for clusters of up to some hundred thousand
/// objects in less than 200 MB of memory.
#[derive(Debug, Clone)]
#[must_use]
pub struct EngineOptions {
    /// That of the writer: the engine puts it here, so that the two cannot have different clocks.
    pub(crate) runtime: SharedRuntime,
    pub(crate) sanitizer: Arc<dyn Sanitizer>,
    pub(crate) brake: Brake,
    pub(crate) workers: Workers,
    pub(crate) concurrency: usize,
    pub(crate) queue_objects: usize,
    pub(crate) queue_bytes: usize,
    pub(crate) batch_bytes: usize,
    pub(crate) commit_interval: Duration,
    pub(crate) position_interval: Duration,
    pub(crate) compare_interval: Duration,
    pub(crate) flush_deadline: Duration,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            runtime: Arc::new(TokioRuntime::new()),
            sanitizer: Arc::new(Rules::backup()),
            brake: Brake::default(),
            workers: Workers::default(),
            concurrency: std::thread::available_parallelism().map_or(4, |n| 2 * n.get()),
            queue_objects: 16_384,
            queue_bytes: 16 << 20,
            batch_bytes: 12 << 20,
            commit_interval: Duration::ZERO,
            position_interval: Duration::from_mins(1),
            compare_interval: Duration::from_hours(24),
            flush_deadline: Duration::from_secs(20),
        }
    }
}

impl EngineOptions {
    /// What cleans objects before they are hashed; [`Rules::backup`] unless said otherwise.
    pub fn sanitizer(mut self, sanitizer: Arc<dyn Sanitizer>) -> Self {
        self.sanitizer = sanitizer;
        self
    }

    /// When to withhold deletions.
    pub fn brake(mut self, brake: Brake) -> Self {
        self.brake = brake;
        self
    }

    /// The bounds of each kind's worker pool.
    pub fn workers(mut self, workers: Workers) -> Self {
        self.workers = workers;
        self
    }

    /// How many objects of all kinds are parsed and hashed at the same time; twice the number of processors
    /// unless said otherwise. Workers take turns, so that a flood of one kind does not starve another.
    pub fn concurrency(mut self, objects: usize) -> Self {
        self.concurrency = objects.max(1);
        self
    }

    /// How many objects of one kind may wait; beyond, its stream is not read on. 16,384 unless said otherwise.
    pub fn queue_objects(mut self, objects: usize) -> Self {
        self.queue_objects = objects.max(1);
        self
    }

    /// How many bytes of bodies may wait, of all kinds together; 16 MiB unless said otherwise. Beyond, a list
    /// is not read on, and what a watch shows is remembered by its name and read again later.
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// How many bytes of changed bodies may wait for a commit or be in one; 12 MiB unless said otherwise.
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.batch_bytes = bytes;
        self
    }

    /// The least time between two commits, for those who pay per request. Zero, the default, commits at once
    /// whatever came while the commit before was under way.
    pub fn commit_interval(mut self, interval: Duration) -> Self {
        self.commit_interval = interval;
        self
    }

    /// The least time between two commits that carry nothing but positions; a minute unless said otherwise.
    /// It is also how often the end of the log is read while nothing is committed.
    pub fn position_interval(mut self, interval: Duration) -> Self {
        self.position_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// How often each kind is listed although its watch goes well: about daily unless said otherwise. It finds
    /// what no watch tells, such as an etcd that was restored and has grown past the saved position since.
    pub fn compare_interval(mut self, interval: Duration) -> Self {
        self.compare_interval = interval.max(Duration::from_secs(1));
        self
    }

    /// How long what is under way may take to become durable once the engine is told to stop; 20 seconds
    /// unless said otherwise.
    pub fn flush_deadline(mut self, deadline: Duration) -> Self {
        self.flush_deadline = deadline;
        self
    }
}
