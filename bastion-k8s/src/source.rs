//! What exists and what changes: read once, or followed.

pub(crate) mod fetch;
pub(crate) mod follow;
pub(crate) mod judge;
pub mod list;
pub(crate) mod namespaces;
mod outage;
pub mod watch;
