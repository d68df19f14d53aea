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
    /// What cleans objects before they are hashed; [`Rules::backup`](crate::sanitize::Rules::backup) by default.
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
    /// by default. Workers take turns, so that a flood of one kind does not starve another.
    pub fn concurrency(mut self, objects: usize) -> Self {
        self.pipeline.concurrency = objects.max(1);
        self
    }

    /// How many objects of one kind may wait, 16,384 by default. Beyond that its stream is not read on.
    pub fn queue_objects(mut self, objects: usize) -> Self {
        self.pipeline.lane.queue_objects = objects.max(1);
        self
    }

    /// How many bytes of bodies may wait, over all kinds; 16 MiB by default. Beyond that a list is not read on,
    /// and of what a watch shows only the name is kept: the object is read again later.
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.pipeline.queue_bytes = bytes;
        self
    }

    /// How many bytes of changed bodies may wait for a commit or be in one; 12 MiB by default.
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.pipeline.batcher.batch_bytes = bytes;
        self
    }

    /// The least time between two commits, for storage that is paid per request. Zero, the default, commits
    /// at once whatever came while the previous commit was under way.
    pub fn commit_interval(mut self, interval: Duration) -> Self {
        self.pipeline.batcher.commit_interval = interval;
        self
    }

    /// The least time between two commits that carry nothing but positions; a minute by default. The end of
    /// the log is read as often while nothing is committed.
    pub fn position_interval(mut self, interval: Duration) -> Self {
        let interval = interval.max(Duration::from_millis(1));
        self.pipeline.batcher.position_interval = interval;
        self.pipeline.reader.ask_interval = interval;
        self
    }

    /// How often each kind is listed even though its watch works: about daily by default. This finds what no
    /// watch shows, such as an etcd that was restored and has since grown past the saved position.
    pub fn compare_interval(mut self, interval: Duration) -> Self {
        self.pipeline.reader.compare_interval = interval.max(Duration::from_secs(1));
        self
    }

    /// How long what is under way may take to become durable once the engine is cancelled; 20 seconds by
    /// default.
    pub fn flush_deadline(mut self, deadline: Duration) -> Self {
        self.flush_deadline = deadline;
        self
    }
}
