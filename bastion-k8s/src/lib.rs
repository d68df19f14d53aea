#![doc = include_str!("../README.md")]

pub mod apply;
mod backoff;
pub mod client;
mod crds;
pub mod discovery;
mod election;
pub mod error;
mod fault;
mod fetch;
mod follow;
mod judge;
mod kinds;
pub mod lease;
mod lease_object;
mod lines;
pub mod list;
mod meta;
mod names;
mod namespaces;
mod outage;
mod pages;
mod paths;
mod plan;
mod ready;
mod rest;
mod rewrite;
pub mod select;
pub mod watch;

pub use apply::ApplySink;
pub use client::{Client, ConnectOptions, connect};
pub use error::{Error, Result};
pub use lease::{Leadership, Lease, LeaseOptions};
pub use lease_object::LogEnd;
pub use list::ListSource;
pub use select::{Mode, Selection};
pub use watch::WatchSource;
