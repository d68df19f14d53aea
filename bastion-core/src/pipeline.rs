//! What lies between a source and the log, one pipeline per kind:
//!
//! ```text
//! observations ─► coalescing queue ─► workers: clean, hash, compare ─► batcher ─► commit
//!   (reader)      (latest of each      (a pool per kind, between       (one for the engine,
//!                  object, bounded)     floor and ceiling)              one commit in flight)
//! ```
//!
//! - Each object goes through the states of [`ObjectState`], and its states go into the log one after the
//!   other: while one is on its way, later observations wait in the queue, the latest replacing the others.
//! - Memory is bounded: the queue in objects per kind (beyond, the stream is not read on) and in bytes over all
//!   kinds (beyond, lists wait, and of what a watch shows only the name is kept), batches in bytes.
//! - Nothing is deleted on the word of a list that was not read to its end, and where too much is absent at
//!   once the [`Brake`] withholds it.
//! - A position is saved only when everything before it is durable or unchanged.

mod absence;
mod batcher;
mod brake;
mod budget;
mod context;
mod judge;
mod lane;
mod listing;
mod patience;
mod position;
mod prepare;
mod queue;
mod reader;
mod recent;
mod scale;
mod state;
mod stats;
mod tracker;
mod workers;

pub(crate) use absence::bury_kind;
pub(crate) use batcher::{Batcher, Lanes};
pub use brake::Brake;
pub(crate) use context::{Context, Finished, ToBatcher, ToEngine};
pub(crate) use judge::Judge;
pub(crate) use lane::{Beginning, Lane};
pub(crate) use reader::Reader;
pub use scale::Workers;
pub use state::{Event, ObjectState};
pub use stats::{EngineSnapshot, Histogram, HistogramSnapshot, KindSnapshot, Phase, Saved, Snapshot, Stats};

#[cfg(test)]
mod tests;
