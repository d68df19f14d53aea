#![doc = include_str!("../README.md")]

pub mod apply;
mod attributes;
pub mod client;
mod cluster;
mod discovery;
pub mod error;
mod http;
pub mod lease;
mod meta;
mod partial;
pub mod preview;
pub mod source;

pub use apply::ApplySink;
pub use bastion_core::select::{Mode, Selection};
pub use client::{Client, ConnectOptions, connect};
pub use error::{Error, Result};
pub use lease::{Leadership, Lease, LeaseOptions, LogEnd};
pub use preview::{Preview, preview};
pub use source::{list::ListSource, watch::WatchSource};
