//! Restoring: select objects of a snapshot, plan, look at the plan, apply it.
//!
//! ```text
//! snapshot.select(filter) ─► RestoreSet
//!   restore_plan(options) ─► RestorePlan: steps in order, what is skipped and why (one pass over the bodies)
//!             apply(sink) ─► RestoreReport: stage by stage, in parallel within a stage
//!                            body ─► restore form ─► remap ─► relink ─► create │ compare
//! ```
//! An object that does not exist is *created*. One that exists is compared with the backup, both in their restore
//! form ([`Rules::restore`](crate::sanitize::Rules::restore)): equal objects are left alone, so a restore that was
//! interrupted is simply run again; objects that differ are treated by the [`Conflict`] policy. If an object fails, only
//! what it owns fails with it.
//!
//! The [crate's example](crate#a-backup-and-a-restore) restores a namespace. Options, for another one:
//!
//! ```
//! use std::time::Duration;
//! use bastion_core::restore::{Conflict, RestoreOptions};
//!
//! let options = RestoreOptions::new()
//!     .conflict(Conflict::Replace)
//!     .map_namespace("shop", "shop-copy")
//!     .ready_within(Duration::from_secs(30));
//! # let _ = options;
//! ```

mod apply;
mod bodies;
mod conflict;
mod gather;
mod options;
mod order;
mod plan;
mod planner;
mod prepare;
mod relink;
mod remap;
mod report;
mod set;
mod skip;

pub use apply::Applier;
pub use options::{Conflict, RestoreOptions};
pub use plan::{RestorePlan, RestoreStep, SkippedObject, UnreadableObject};
pub use report::{ObjectReport, Outcome, RestoreReport};
pub use set::{Predicate, RestoreSet};

#[cfg(test)]
mod tests;
