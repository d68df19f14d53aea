//! A cluster in memory, for examples, tests and simulations.
//!
//! [`MemoryCluster`] stores objects as an API server does: it sets uids, resourceVersions, generations and
//! creation times, ignores a write that changes nothing, keeps a window of events for watches (older positions
//! are answered with 410), serves the kinds of the CRDs that it holds, and empties a namespace that is deleted.
//! It has no schemas, no admission, no finalizers and no controllers; the garbage collector runs when you call
//! [`MemoryCluster::collect_garbage`].
//!
//! Read it through [`MemoryCluster::list`] or [`MemoryCluster::watch`]; write to it directly or as a
//! [`Sink`](crate::sink::Sink). It is deterministic: the same calls give the same uids, numbers and times.
//!
//! ```
//! use bastion_core::memory::MemoryCluster;
//!
//! let cluster = MemoryCluster::new("production");
//! let live = cluster.put(
//!     r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"prices","namespace":"shop"},"data":{"tea":"3"}}"#,
//! )?;
//! assert!(!live.uid.is_empty());
//! assert_eq!(cluster.ids().last().map(ToString::to_string).as_deref(), Some("Namespace shop"));
//! # Ok::<(), bastion_core::memory::MemoryError>(())
//! ```

mod changes;
mod cluster;
mod error;
mod kind;
mod selected;
mod sink;
mod source;
mod state;

pub use cluster::{EtcdBackup, MemoryCluster};
pub use error::MemoryError;
pub use kind::kind;
pub use source::MemorySource;

#[cfg(test)]
mod tests;
