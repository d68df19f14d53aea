//! What exists and what changes: read once, or followed.

pub(crate) mod fetch;
pub(crate) mod follow;
pub(crate) mod kinds;
pub mod list;
pub(crate) mod namespaces;
pub(crate) mod observer;
mod outage;
pub mod watch;
