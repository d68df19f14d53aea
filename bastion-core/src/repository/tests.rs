//! Stories of the whole repository, over a store in memory and one that fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod basics;
mod bulk;
mod checkpoints;
mod clock;
mod crash;
mod filters;
mod index;
mod kills;
mod races;
mod support;
