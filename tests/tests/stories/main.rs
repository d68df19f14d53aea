//! Stories on a real cluster: what a person does, what breaks meanwhile, what must be true afterwards.
//!
//! One binary, a module a theme, so that the dependencies are linked once. Every test starts what it
//! needs from `bastion_tests`; tests of one theme share a cluster where they do not disturb each other.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod cli;
mod controller;
mod crashes;
mod deletions;
mod outages;
mod refusals;
mod restored;
mod restores;
mod round_trip;
mod stage;
mod test_cluster;
mod test_servers;
mod throttled;
mod writers;
mod writes;
