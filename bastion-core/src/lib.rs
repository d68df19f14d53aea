//! Bastion's engine: change capture, repository format, restore planning and retention.
//!
//! This crate knows no Kubernetes client and no HTTP. It works on [`source::Source`]s and
//! [`sink::Sink`]s (bastion-k8s has the real ones) and on [`store::Store`]s (bastion-storage).

pub mod canonical;
pub mod diff;
pub mod engine;
pub mod error;
pub mod hash;
pub mod manifest;
pub mod memory;
pub mod object;
pub mod pipeline;
pub mod record;
pub mod repository;
pub mod restore;
pub mod retention;
pub mod runtime;
pub mod sanitize;
pub mod sink;
pub mod source;
pub mod store;
pub mod time;
pub mod yaml;

pub use error::{Category, Error, Result};
