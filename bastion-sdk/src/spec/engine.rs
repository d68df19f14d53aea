//! Bounds of the engine.

use std::time::Duration;

use bastion_core::{
    engine::EngineOptions,
    pipeline::{Brake, Workers},
};
use serde::{Deserialize, Serialize};

use super::SpecError;

/// Bounds of the engine. What is not set is the engine's own default, which [`EngineOptions`] documents.
///
/// ```
/// use std::time::Duration;
/// use bastion_sdk::spec::EngineSpec;
///
/// let spec = EngineSpec::default().commit_interval(Duration::from_secs(10));
/// assert!(spec.validate().is_ok());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct EngineSpec {
    /// Least time between two commits.
    #[serde(with = "crate::time::optional")]
    pub commit_interval: Option<Duration>,
    /// Least time between two commits that carry only positions.
    #[serde(with = "crate::time::optional")]
    pub position_interval: Option<Duration>,
    /// How often each kind is listed although its watch goes well.
    #[serde(with = "crate::time::optional")]
    pub compare_interval: Option<Duration>,
    /// How long the last commit may take after a shutdown was asked for.
    #[serde(with = "crate::time::optional")]
    pub flush_deadline: Option<Duration>,
    /// Bounds of each kind's worker pool.
    pub workers: Option<WorkersSpec>,
    /// How many objects of a kind may wait.
    pub queue_objects: Option<usize>,
    /// How many bytes of bodies may wait, of all kinds together.
    pub queue_bytes: Option<usize>,
    /// How many bytes of changed bodies may wait for a commit.
    pub batch_bytes: Option<usize>,
    /// How many objects the index keeps in memory, some 150 bytes each.
    pub index_objects: Option<usize>,
    /// When deletions are withheld.
    pub brake: Option<BrakeSpec>,
}

/// Bounds of a worker pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct WorkersSpec {
    /// Workers of a kind that is idle; at least one.
    pub floor: usize,
    /// Workers of a kind that is flooded.
    pub ceiling: usize,
}

/// Deletions of a kind are withheld if more than this share and more than this count of its objects vanish at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct BrakeSpec {
    /// Share of the kind's objects, from 0 to 1.
    pub share: f64,
    /// Count of objects.
    pub count: u64,
}

impl WorkersSpec {
    /// From `floor` workers of a kind that is idle to `ceiling` of one that is flooded.
    pub fn between(floor: usize, ceiling: usize) -> Self {
        Self { floor, ceiling }
    }
}

impl BrakeSpec {
    /// More than this share (from 0 to 1) and more than this count.
    pub fn new(share: f64, count: u64) -> Self {
        Self { share, count }
    }
}

impl EngineSpec {
    /// Least time between two commits.
    #[must_use]
    pub fn commit_interval(mut self, interval: Duration) -> Self {
        self.commit_interval = Some(interval);
        self
    }

    /// Least time between two commits that carry only positions.
    #[must_use]
    pub fn position_interval(mut self, interval: Duration) -> Self {
        self.position_interval = Some(interval);
        self
    }

    /// How often each kind is listed although its watch goes well.
    #[must_use]
    pub fn compare_interval(mut self, interval: Duration) -> Self {
        self.compare_interval = Some(interval);
        self
    }

    /// How long the last commit may take after a shutdown was asked for.
    #[must_use]
    pub fn flush_deadline(mut self, deadline: Duration) -> Self {
        self.flush_deadline = Some(deadline);
        self
    }

    /// How many objects of a kind may wait.
    #[must_use]
    pub fn queue_objects(mut self, objects: usize) -> Self {
        self.queue_objects = Some(objects);
        self
    }

    /// How many bytes of bodies may wait, of all kinds together.
    #[must_use]
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = Some(bytes);
        self
    }

    /// How many bytes of changed bodies may wait for a commit.
    #[must_use]
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.batch_bytes = Some(bytes);
        self
    }

    /// How many objects the index keeps in memory.
    #[must_use]
    pub fn index_objects(mut self, objects: usize) -> Self {
        self.index_objects = Some(objects);
        self
    }

    /// When deletions are withheld.
    #[must_use]
    pub fn brake(mut self, brake: BrakeSpec) -> Self {
        self.brake = Some(brake);
        self
    }

    /// Bounds of each kind's worker pool.
    #[must_use]
    pub fn workers(mut self, workers: WorkersSpec) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Checks the bounds against each other.
    pub fn validate(&self) -> Result<(), SpecError> {
        if self.workers.is_some_and(|w| w.floor == 0 || w.floor > w.ceiling) {
            return Err(SpecError::new("workers.floor", "it must be between 1 and the ceiling"));
        }
        if self.brake.is_some_and(|b| !(0.0..=1.0).contains(&b.share)) {
            return Err(SpecError::new("brake.share", "it must be between 0 and 1"));
        }
        let zero = [
            ("compareInterval", self.compare_interval == Some(Duration::ZERO)),
            ("flushDeadline", self.flush_deadline == Some(Duration::ZERO)),
            ("queueObjects", self.queue_objects == Some(0)),
            ("queueBytes", self.queue_bytes == Some(0)),
            ("batchBytes", self.batch_bytes == Some(0)),
        ];
        if let Some((key, _)) = zero.into_iter().find(|(_, zero)| *zero) {
            return Err(SpecError::new(key, "it must be more than zero"));
        }
        Ok(())
    }

    /// The engine's options. (`indexObjects` is an option of the writer.)
    pub fn options(&self) -> EngineOptions {
        let mut options = EngineOptions::default();
        if let Some(interval) = self.commit_interval {
            options = options.commit_interval(interval);
        }
        if let Some(interval) = self.position_interval {
            options = options.position_interval(interval);
        }
        if let Some(interval) = self.compare_interval {
            options = options.compare_interval(interval);
        }
        if let Some(deadline) = self.flush_deadline {
            options = options.flush_deadline(deadline);
        }
        if let Some(w) = self.workers {
            options = options.workers(Workers::between(w.floor, w.ceiling));
        }
        if let Some(objects) = self.queue_objects {
            options = options.queue_objects(objects);
        }
        if let Some(bytes) = self.queue_bytes {
            options = options.queue_bytes(bytes);
        }
        if let Some(bytes) = self.batch_bytes {
            options = options.batch_bytes(bytes);
        }
        if let Some(b) = self.brake {
            options = options.brake(Brake::new(b.share, b.count));
        }
        options
    }
}
