//! Bastion's engine: change capture, repository format, restore planning and retention for Kubernetes.
//!
//! Objects are watched, filtered, cleaned of what is not content, hashed, and only what changed is written: into
//! a log of small create-only files that any store can hold. Every state of every object can be read back,
//! compared, and restored into another cluster.
//!
//! This crate knows no Kubernetes client and no HTTP. It works on [`Source`](source::Source)s and
//! [`Sink`](sink::Sink)s (bastion-k8s has the real ones) and on [`Store`](store::Store)s (bastion-storage has
//! folders and S3). For examples, tests and simulations there are a [cluster](memory::MemoryCluster) and a
//! [store](store::MemoryStore) in memory.
//!
//! # A backup and a restore
//!
//! ```
//! use std::sync::Arc;
//! use bastion_core::{memory::MemoryCluster, prelude::*, store::MemoryStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let production = MemoryCluster::new("production");
//! production.put(r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"prices","namespace":"shop"},"data":{"tea":"3"}}"#)?;
//!
//! // Back up: every object that changed since the last time becomes a revision.
//! let source = Arc::new(production.list());
//! let repo = Repository::init(Arc::new(MemoryStore::new()), InitOptions::default()).await?;
//! let writer = repo.writer("production", WriterOptions::new(source.cluster_uid().await?, "backup")).await?;
//! Engine::new(source, writer, EngineOptions::default()).run(CancellationToken::new()).await?;
//!
//! // Restore a namespace into an empty cluster.
//! let standby = MemoryCluster::new("standby");
//! let shop = ObjectFilter::all().namespace("shop");
//! let plan = repo.snapshot("production").await?.select(shop).restore_plan(&RestoreOptions::new()).await?;
//! let report = plan.apply(Arc::new(standby.clone())).await;
//! # let prices = bastion_core::object::ObjectId::new(&bastion_core::object::GroupKind::new("", "ConfigMap"), "shop", "prices");
//! # assert_eq!(standby.manifest(&prices).and_then(|m| m.text(&["data", "tea"]).map(str::to_owned)).as_deref(), Some("3"));
//! assert_eq!(report.count(Outcome::Created), 2, "the namespace, and what lives in it");
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//!
//! | module | what |
//! |---|---|
//! | [`error`] | the one error, its categories, and whether trying again helps |
//! | [`object`], [`record`], [`time`], [`hash`] | names, revisions, times, digests |
//! | [`manifest`], [`canonical`], [`yaml`], [`diff`] | objects as trees, as bytes to hash, as text for people |
//! | [`sanitize`] | what of an object is content |
//! | [`select`] | which objects are backed up; words for kinds, label selectors |
//! | [`source`], [`sink`], [`store`], [`runtime`] | the seams: clusters read and written, storage, clock and chance |
//! | [`backoff`] | how long to wait before the next try |
//! | [`engine`], [`pipeline`] | from a source into the log |
//! | [`repository`] | the log: open, commit, read, verify |
//! | [`restore`] | plans and their application |
//! | [`retention`] | which revisions to keep |
//! | [`memory`] | a cluster in memory |
//!
//! # Features
//!
//! | feature | default | what |
//! |---|---|---|
//! | `memory` | yes | [`memory`]: a cluster in memory, for examples and tests |
//! | `yaml` | no | [`yaml`]: objects as YAML, read and written, and the `tree/` view of a repository |
//! | `diff` | no | [`diff::unified`]: changes as `diff -u` shows them; includes `yaml` |
//! | `simulation` | no | [`runtime::SimRuntime`], [`store::FaultyStore`]: the same run, with the same faults, for the same seed |
//! | `conformance` | no | [`store::conformance`]: the behaviour suite for your own [`Store`](store::Store) |
//!
//! The default build brings 59 crates; none of them speaks to the network, reads YAML or starts a process.

pub mod backoff;
pub mod canonical;
pub mod diff;
pub mod engine;
pub mod error;
mod failure;
pub mod hash;
pub mod manifest;
#[cfg(feature = "memory")]
pub mod memory;
pub mod object;
pub mod pipeline;
pub mod prelude;
pub mod record;
pub mod repository;
pub mod restore;
pub mod retention;
pub mod runtime;
pub mod sanitize;
pub mod select;
mod serialize;
pub mod sink;
pub mod source;
pub mod store;
pub mod time;
#[cfg(feature = "yaml")]
pub mod yaml;

pub use error::{Category, Error, Result};
