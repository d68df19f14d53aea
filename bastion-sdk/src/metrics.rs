//! The engine's numbers for Prometheus, read from its own counters at each scrape.
//!
//! An engine of your own registers them with [`EngineMetrics`]:
//!
//! ```
//! use std::sync::Arc;
//!
//! use bastion_sdk::{
//!     core::{memory::MemoryCluster, prelude::*, store::MemoryStore},
//!     metrics::EngineMetrics,
//! };
//! use bastion_sdk::metrics::prometheus_client::{encoding::text, registry::Registry};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let source = Arc::new(MemoryCluster::new("production").list());
//! let repo = Repository::init(Arc::new(MemoryStore::new()), InitOptions::default()).await?;
//! let writer = repo.writer("production", WriterOptions::new(source.cluster_uid().await?, "backup")).await?;
//! let engine = Engine::new(source, writer, EngineOptions::default());
//!
//! let mut registry = Registry::with_prefix("bastion");
//! registry.register_collector(Box::new(EngineMetrics::new(engine.stats())));
//! engine.run(CancellationToken::new()).await?;
//!
//! let mut metrics = String::new();
//! text::encode(&mut metrics, &registry)?;
//! assert!(metrics.contains("bastion_commits_total 1"), "{metrics}");
//! # Ok(())
//! # }
//! ```

mod collector;
mod encoding;
mod engine;
mod kinds;

pub use prometheus_client;

pub use self::collector::EngineMetrics;
#[cfg(feature = "process")]
pub(crate) use self::{collector::encode, encoding::gauge};
