//! From a [`Source`](crate::source::Source) into the log: the engine follows every kind that the source names, one
//! pipeline each, and commits what changed.
//!
//! The crate's page has a whole backup. A continuous source is followed until the token is cancelled:
//!
//! ```
//! use std::sync::Arc;
//! use bastion_core::{memory::MemoryCluster, prelude::*, store::MemoryStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cluster = MemoryCluster::new("production");
//! let repo = Repository::init(Arc::new(MemoryStore::new()), InitOptions::default()).await?;
//! let source = Arc::new(cluster.watch());
//! let writer = repo.writer("production", WriterOptions::new(source.cluster_uid().await?, "watch")).await?;
//! let engine = Engine::new(source, writer, EngineOptions::default());
//!
//! let (stats, cancel) = (engine.stats(), CancellationToken::new());
//! let run = tokio::spawn(engine.run(cancel.clone()));
//! cluster.put(r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"prices","namespace":"shop"}}"#)?;
//! while stats.snapshot().engine.commits == 0 {
//!     tokio::time::sleep(std::time::Duration::from_millis(10)).await;
//! }
//! cancel.cancel();
//! let report = run.await??;
//! assert!(report.flushed && report.cancelled);
//! # Ok(())
//! # }
//! ```

mod drain;
mod follow;
mod options;
mod report;
mod resume;
mod run;
mod start;

pub use options::EngineOptions;
pub use report::{Report, Undiscovered};
pub use start::Engine;

pub use crate::pipeline::{KindReport, NAMED_FAILURES, ObjectFailure};
