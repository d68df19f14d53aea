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

mod brake;
mod budget;
mod judge;
mod listing;
mod position;
mod queue;
mod recent;
mod scale;
mod state;
mod stats;
mod tracker;

pub use brake::Brake;
pub use scale::Workers;
pub use state::{Event, ObjectState};
pub use stats::{EngineSnapshot, Histogram, HistogramSnapshot, KindSnapshot, Phase, Snapshot, Stats};
