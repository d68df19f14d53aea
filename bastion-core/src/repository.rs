//! The repository: a log of changes over a [`Store`], its index, and readers of both.
//!
//! One repository holds the logs of any number of clusters. [`Repository::writer`] appends to a log,
//! [`Repository::snapshot`] reads one as of a moment, [`Repository::log`] follows it commit by commit and
//! [`Repository::verify`] checks every byte. The format is specified in `docs/format.md`.
//!
//! ```
//! use std::sync::Arc;
//! use bastion_core::{prelude::*, repository::VerifyOptions, store::MemoryStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> bastion_core::Result<()> {
//! let store = Arc::new(MemoryStore::new());
//! Repository::init(store.clone(), InitOptions::default()).await?;
//!
//! let repo = Repository::open(store, OpenOptions::default()).await?;
//! assert!(repo.clusters().await?.is_empty());
//! assert!(repo.verify(&VerifyOptions::default(), |_| ()).await?.is_clean());
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;

use crate::{
    error::{Error, Result},
    hash::{Algorithm, Hasher},
    runtime::{SharedRuntime, TokioRuntime},
    store::Store,
    time::Timestamp,
};

mod batch;
mod bodies;
mod cache;
mod checkpoint;
mod clusters;
mod commit;
mod files;
mod filter;
mod follow;
mod format;
mod index;
mod land;
mod load;
mod log;
mod merge;
mod merging;
mod open;
mod order;
mod plan;
mod race;
mod retry;
mod snapshot;
mod state;
mod tail;
mod upload;
mod verify;
#[cfg(feature = "yaml")]
mod view;
mod writer;

pub use batch::Batch;
pub use clusters::ClusterInfo;
pub use filter::ObjectFilter;
pub use follow::LogEntry;
pub use index::Index;
pub use snapshot::Snapshot;
pub use verify::{Problem, VerifyOptions, VerifyProgress, VerifyReport};
#[cfg(feature = "yaml")]
pub use view::{TreeView, UnshownObject, ViewReport};
pub use writer::{CommitNotes, Committed, Head, Writer, WriterOptions};

/// An open repository. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Repository(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Arc<dyn Store>,
    runtime: SharedRuntime,
    info: RepositoryInfo,
    writable: bool,
}

/// What `bastion.json` says about the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepositoryInfo {
    /// The repository's id, random.
    pub id: String,
    /// The digest of contents.
    pub algorithm: Algorithm,
    /// When it was created.
    pub created: Timestamp,
}

/// How to create a repository.
#[derive(Debug, Clone)]
pub struct InitOptions {
    algorithm: Algorithm,
    runtime: SharedRuntime,
}

impl Default for InitOptions {
    fn default() -> Self {
        Self { algorithm: Algorithm::default(), runtime: Arc::new(TokioRuntime::new()) }
    }
}

impl InitOptions {
    /// The digest of contents; SHA-256 by default. It can never be changed.
    #[must_use]
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// The runtime; tokio's by default.
    #[must_use]
    pub fn runtime(mut self, runtime: SharedRuntime) -> Self {
        self.runtime = runtime;
        self
    }
}

/// How to open a repository.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    write: bool,
    runtime: SharedRuntime,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { write: false, runtime: Arc::new(TokioRuntime::new()) }
    }
}

impl OpenOptions {
    /// Whether to write. Opening then checks that the storage refuses to overwrite a file that exists.
    #[must_use]
    pub fn write(mut self, write: bool) -> Self {
        self.write = write;
        self
    }

    /// The runtime; tokio's by default.
    #[must_use]
    pub fn runtime(mut self, runtime: SharedRuntime) -> Self {
        self.runtime = runtime;
        self
    }
}

impl Repository {
    /// What `bastion.json` says.
    pub fn info(&self) -> &RepositoryInfo {
        &self.0.info
    }

    /// The storage beneath.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// The runtime that it works with.
    pub fn runtime(&self) -> &SharedRuntime {
        &self.0.runtime
    }

    /// The hasher of the repository's algorithm.
    pub fn hasher(&self) -> Arc<dyn Hasher> {
        self.0.info.algorithm.hasher()
    }

    /// Refuses where the repository was opened for reading only.
    fn check_writable(&self) -> Result<()> {
        if self.0.writable {
            return Ok(());
        }
        Err(Error::Invalid("the repository was opened for reading only".into()))
    }
}

#[cfg(test)]
mod tests;
