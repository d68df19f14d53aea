//! What a program that embeds Bastion usually names.

pub use tokio_util::sync::CancellationToken;

pub use crate::{
    engine::{Engine, EngineOptions},
    repository::{InitOptions, ObjectFilter, OpenOptions, Repository, WriterOptions},
    restore::{Conflict, Outcome, RestoreOptions},
    sink::Sink,
    source::Source,
    store::Store,
};
