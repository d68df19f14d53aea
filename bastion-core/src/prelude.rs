//! What most programs that embed Bastion import: `use bastion_core::prelude::*;`, as in the crate's example.

pub use tokio_util::sync::CancellationToken;

pub use crate::{
    engine::{Engine, EngineOptions},
    repository::{InitOptions, ObjectFilter, OpenOptions, Repository, WriterOptions},
    restore::{Conflict, Outcome, RestoreOptions},
    sink::Sink,
    source::Source,
    store::Store,
};
