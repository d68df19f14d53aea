#![doc = include_str!("../README.md")]

pub mod apply;
pub mod client;
pub mod discovery;
pub mod error;
pub mod lease;
pub mod list;
mod names;
pub mod select;
pub mod watch;

pub use apply::ApplySink;
pub use client::{Client, ConnectOptions, connect};
pub use error::{Error, Result};
pub use lease::{Leadership, Lease, LeaseOptions};
pub use list::ListSource;
pub use select::{Mode, Selection};
pub use watch::WatchSource;
