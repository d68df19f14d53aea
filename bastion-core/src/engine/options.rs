use std::{sync::Arc, time::Duration};

use crate::{
    pipeline::{Brake, PipelineOptions, Workers},
    sanitize::Sanitizer,
};

/// How an [`Engine`](super::Engine) works. The defaults are meant for clusters of up to some hundred thousand
/// objects in less than 200 MB of memory.
#[derive(Debug, Clone)]
#[must_use]
pub struct EngineOptions {
    pub(super) pipeline: PipelineOptions,
    pub(super) flush_deadline: Duration,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { pipeline: PipelineOptions::default(), flush_deadline: Duration::from_secs(20) }
    }
}

impl EngineOptions {
    /// What cleans objects before they are hashed; [`Rules::backup`](crate::sanitize::Rules::backup) unless said otherwise.
    pub fn sanitizer(mut self, sanitizer: Arc<dyn Sanitizer>) -> Self {
        self.pipeline.sanitizer = sanitizer;
        self
    }

    /// When to withhold deletions.
    pub fn brake(mut self, brake: Brake) -> Self {
        self.pipeline.reader.brake = brake;
        self
    }

    /// The bounds of each kind's worker pool.
    pub fn workers(mut self, workers: Workers) -> Self {
        self.pipeline.lane.workers = workers;
        self
    }

    /// How many objects of all kinds are parsed and hashed at the same time; twice the number of processors
    /// unless said otherwise. Workers take turns, so that a flood of one kind does not starve another.
    pub fn concurrency(mut self, objects: usize) -> Self {
        self.pipeline.concurrency = objects.max(1);
        self
    }

    /// How many objects of one kind may wait; beyond, its stream is not read on. 16,384 unless said otherwise.
    pub fn queue_objects(mut self, objects: usize) -> Self {
        self.pipeline.lane.queue_objects = objects.max(1);
        self
    }

    /// How many bytes of bodies may wait, of all kinds together; 16 MiB unless said otherwise. Beyond, a list
    /// is not read on, and what a watch shows is kept by its name and read again later.
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.pipeline.queue_bytes = bytes;
        self
    }

    /// How many bytes of changed bodies may wait for a commit or be in one; 12 MiB unless said otherwise.
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.pipeline.batcher.batch_bytes = bytes;
        self
    }

    /// The least time between two commits, for those who pay per request. Zero, the default, commits at once
    /// whatever came while the commit before was under way.
    pub fn commit_interval(mut self, interval: Duration) -> Self {
        self.pipeline.batcher.commit_interval = interval;
        self
    }

    /// The least time between two commits that carry nothing but positions; a minute unless said otherwise.
    /// It is also how often the end of the log is read while nothing is committed.
    pub fn position_interval(mut self, interval: Duration) -> Self {
        let interval = interval.max(Duration::from_millis(1));
        self.pipeline.batcher.position_interval = interval;
        self.pipeline.reader.ask_interval = interval;
        self
    }

    /// How often each kind is listed although its watch goes well: about daily unless said otherwise. It finds
    /// what no watch tells, such as an etcd that was restored and has grown past the saved position since.
    pub fn compare_interval(mut self, interval: Duration) -> Self {
        self.pipeline.reader.compare_interval = interval.max(Duration::from_secs(1));
        self
    }

    /// How long what is under way may take to become durable once the engine is told to stop; 20 seconds
    /// unless said otherwise.
    pub fn flush_deadline(mut self, deadline: Duration) -> Self {
        self.flush_deadline = deadline;
        self
    }
}
