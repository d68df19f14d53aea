//! What lies between a source and the log, one pipeline per kind:
//!
//! ```text
//! observations ─► coalescing queue ─► workers: clean, hash, compare ─► batcher ─► commit
//!   (reader)      (latest of each      (a pool per kind, between       (one for the engine,
//!                  object, bounded)     floor and ceiling)              one commit in flight)
//! ```
//!
//! - Each object goes through the states of [`ObjectState`], and its states go into the log one after the
//!   other: while one is on its way, later events wait in the queue, the latest replacing the others.
//! - Memory is bounded: the queue in objects per kind (beyond, the stream is not read on) and in bytes over all
//!   kinds (beyond, lists wait, and of what a watch shows only the name is kept), batches in bytes.
//! - Nothing is deleted because of a list that was not read to its end, and where too much is absent at once the
//!   [`Brake`] withholds it.
//! - A position is saved only when everything before it is durable or unchanged.
//!
//! An [`Engine`](crate::engine::Engine) runs the pipelines. What is public here are their bounds, and what they
//! count and report:
//!
//! ```
//! use bastion_core::{engine::EngineOptions, pipeline::{Brake, ObjectState, Transition, Workers}};
//!
//! // Up to 4 workers a kind; deletions are withheld where more than a tenth, and more than 20 objects, vanish.
//! let options = EngineOptions::default().workers(Workers::between(1, 4)).brake(Brake::new(0.1, 20));
//!
//! assert_eq!(ObjectState::Idle.next(Transition::Taken), Some(ObjectState::Hashed));
//! ```

// Plain data, and decisions over it.
mod brake;
mod budget;
mod decide;
mod event;
mod listing;
mod options;
mod position;
mod queue;
mod recent;
mod report;
mod scale;
mod state;
mod stats;
mod tracker;

// One kind's lane, and what all kinds share.
mod lane;
mod messages;
mod prepare;
mod retry;
mod shared;

// Tasks.
mod absence;
mod batcher;
mod kind;
mod reader;
mod workers;

pub(crate) use absence::tombstone_kind;
pub(crate) use batcher::{Batcher, BatcherParts, Finished};
pub use brake::Brake;
pub(crate) use budget::Budget;
pub(crate) use decide::Decider;
pub(crate) use kind::{KindPipeline, Pipelines};
pub(crate) use lane::{Lane, LaneStart};
pub(crate) use messages::{BatcherMessage, EngineEvent, EngineEvents, Outbox};
pub(crate) use options::{LaneOptions, PipelineOptions};
pub(crate) use prepare::Preparer;
pub(crate) use reader::Reader;
pub use report::{KindReport, NAMED_FAILURES, ObjectFailure};
pub(crate) use retry::Retrier;
pub use scale::Workers;
pub(crate) use shared::{Lookup, Shared};
pub use state::{ObjectState, Transition};
pub use stats::{EngineSnapshot, Histogram, HistogramSnapshot, KindPhase, KindSnapshot, Saved, Stats, StatsSnapshot};

#[cfg(test)]
mod tests;
