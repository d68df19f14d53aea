//! Continuous backup as a service with several replicas, of which one works.
//!
//! A [`Replica`] competes for a Lease, backs up while it holds it, and stands by otherwise.
//! [`retry_while_unavailable`] is for its start, and [`process`](crate::process) has what goes around it: signals,
//! probes, metrics, logs. `bastion-controller` is these, and a configuration file.

mod lead;
mod retry;

pub use self::{lead::Replica, retry::retry_while_unavailable};
