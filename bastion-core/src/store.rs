//! Where files are stored: the [`Store`] trait, its keys and errors, and wrappers around it.
//!
//! bastion-storage has stores for folders and S3; [`MemoryStore`] is the reference. To write your own, implement
//! [`Store`] and run the suite of the feature `conformance` on it.
//!
//! ```
//! use bastion_core::store::{Key, MemoryStore, PutOptions, Store, StoreError};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), StoreError> {
//! let store = MemoryStore::new();
//! let key = Key::from_segments(["clusters", "production"]);
//! store.put(&key, "first".into(), &PutOptions::create()).await?;
//! let again = store.put(&key, "second".into(), &PutOptions::create()).await;
//! assert!(matches!(again, Err(StoreError::AlreadyExists { .. })));
//! assert_eq!(store.get(&key, None).await?, "first");
//! # Ok(())
//! # }
//! ```

use std::{fmt::Debug, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::{
    failure::{Category, Cause},
    time::Timestamp,
};

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod dry_run;
#[cfg(feature = "simulation")]
mod faulty;
mod key;
mod limit;
mod memory;
mod prefix;
mod read_only;
mod retry;

pub use dry_run::{DryRunReport, DryRunStore};
#[cfg(feature = "simulation")]
pub use faulty::{Fault, FaultRates, FaultyStore, Operation, Verb};
pub use key::{Key, Prefix};
pub use limit::LimitStore;
pub use memory::MemoryStore;
pub use prefix::PrefixStore;
pub use read_only::ReadOnlyStore;
pub use retry::{RetryPolicy, RetryStore};

/// What the operations of a store return.
pub type StoreResult<T> = std::result::Result<T, StoreError>;

/// The largest file that a store must accept: 16 MiB. So no store needs multipart uploads or streaming.
pub const MAX_FILE: usize = 16 << 20;

/// Refuses a file that is larger than [`MAX_FILE`]. For implementors: every store checks this first.
pub fn check_size(key: &Key, size: usize) -> StoreResult<()> {
    if size > MAX_FILE {
        return Err(StoreError::Unsupported(format!("{key} has {size} bytes; a file may have at most {MAX_FILE}")));
    }
    Ok(())
}

/// The part of a range that is within a file of `size` bytes, as [`Store::get`] returns it. For implementors.
pub fn check_range(key: &Key, size: u64, range: &Range<u64>) -> StoreResult<Range<u64>> {
    if range.start >= size {
        return Err(StoreError::InvalidRange { key: key.to_string(), size, start: range.start });
    }
    Ok(range.start..range.end.clamp(range.start, size))
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PutMode {
    /// Only if there is no such file; otherwise [`StoreError::AlreadyExists`]. Of several racing creates of one
    /// key exactly one returns `Ok`, and the file then holds that one's bytes.
    #[default]
    Create,
    /// Replaces a file that exists. For views only: the log never overwrites.
    Overwrite,
}

/// How to write a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutOptions {
    /// Create (default) or overwrite.
    pub mode: PutMode,
    /// Must not be deleted before this time, where the store has object lock.
    pub retain_until: Option<Timestamp>,
}

impl PutOptions {
    /// Create only.
    pub fn create() -> Self {
        Self::default()
    }

    /// Create or replace.
    pub fn overwrite() -> Self {
        Self { mode: PutMode::Overwrite, ..Self::default() }
    }
}

/// What a store knows about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meta {
    /// Its key.
    pub key: Key,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last written, by the storage's clock; `None` if the storage does not say.
    pub modified: Option<Timestamp>,
}

impl Meta {
    /// A file of this key and size.
    pub fn new(key: Key, size: u64) -> Self {
        Self { key, size, modified: None }
    }

    /// When it was last written.
    #[must_use]
    pub fn modified(mut self, modified: Option<Timestamp>) -> Self {
        self.modified = modified;
        self
    }
}

/// Storage of whole files of up to [`MAX_FILE`] bytes under [`Key`]s.
///
/// The contract, which the `conformance` suite checks on every store and every wrapper:
/// - `put` is atomic and durable on `Ok`: a reader sees the whole file or none, whatever crashes. After
///   [`StoreError::OutcomeUnknown`] the file may exist, may not, and may still appear.
/// - No store and no wrapper turns `AlreadyExists` into `Ok` or repeats a create: only the log may, as it has the
///   bytes to compare.
/// - `get`, `head` and `list` see every `put` that returned `Ok` before they were called.
/// - `list` is in byte order of the keys, lazy, and complete or ends with an error.
/// - `delete` is idempotent: a file that does not exist is `Ok`.
/// - Errors tell `NotFound`, `AlreadyExists`, `Denied`, `Throttled`, `Unavailable` (nothing was done) and
///   `OutcomeUnknown` (a write may have been done) apart; the log relies on it.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// Writes a file.
    async fn put(&self, key: &Key, body: Bytes, options: &PutOptions) -> StoreResult<Meta>;
    /// Reads a file, or a range of it. A range that ends beyond the end of the file is cut; one that starts at or
    /// beyond it is [`StoreError::InvalidRange`]; an empty one returns no bytes.
    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Bytes>;
    /// Size and time of a file.
    async fn head(&self, key: &Key) -> StoreResult<Meta>;
    /// The files under a prefix in byte order of their keys; with `after`, those after that key.
    fn list(&self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'static, StoreResult<Meta>>;
    /// Removes a file; `Ok` where there is none.
    async fn delete(&self, key: &Key) -> StoreResult<()>;
}

#[async_trait]
impl Store for Arc<dyn Store> {
    async fn put(&self, key: &Key, body: Bytes, options: &PutOptions) -> StoreResult<Meta> {
        (**self).put(key, body, options).await
    }
    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Bytes> {
        (**self).get(key, range).await
    }
    async fn head(&self, key: &Key) -> StoreResult<Meta> {
        (**self).head(key).await
    }
    fn list(&self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'static, StoreResult<Meta>> {
        (**self).list(prefix, after)
    }
    async fn delete(&self, key: &Key) -> StoreResult<()> {
        (**self).delete(key).await
    }
}

/// Why a store failed. Each variant names the key or the place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such file.
    #[error("{key} does not exist")]
    NotFound {
        /// What was asked for.
        key: String,
    },
    /// The file to be created exists.
    #[error("{key} already exists")]
    AlreadyExists {
        /// What was to be created.
        key: String,
    },
    /// Credentials are missing or wrong, or do not allow this.
    #[error("access to {key} was denied")]
    Denied {
        /// What was to be read or written.
        key: String,
        /// What the storage said.
        #[source]
        source: Cause,
    },
    /// The storage asks to slow down (503, 429).
    #[error("the storage is throttling ({key})")]
    Throttled {
        /// What was to be read or written.
        key: String,
        /// What the storage said.
        #[source]
        source: Cause,
    },
    /// The storage could not be reached, or failed before it did anything.
    #[error("the storage is unavailable ({key})")]
    Unavailable {
        /// What was to be read or written.
        key: String,
        /// What went wrong.
        #[source]
        source: Cause,
    },
    /// The request was sent and not answered: it may have been carried out, may not, or may still be.
    #[error("the outcome of writing {key} is unknown")]
    OutcomeUnknown {
        /// What was to be written.
        key: String,
        /// What went wrong.
        #[source]
        source: Cause,
    },
    /// The range starts at or beyond the end of the file.
    #[error("{key} has {size} bytes; byte {start} is past its end")]
    InvalidRange {
        /// Which file.
        key: String,
        /// Its size.
        size: u64,
        /// Where the range starts.
        start: u64,
    },
    /// The bucket or folder itself does not exist.
    #[error("{place} does not exist")]
    NoSuchPlace {
        /// Bucket or folder.
        place: String,
        /// What the storage said, where it said more.
        #[source]
        source: Option<Cause>,
    },
    /// The storage is full.
    #[error("the storage is full ({key})")]
    Full {
        /// What was to be written.
        key: String,
        /// What the storage said.
        #[source]
        source: Cause,
    },
    /// The storage returned something other than what was stored.
    #[error("{key} is damaged: {why}")]
    Corrupt {
        /// Which file.
        key: String,
        /// What was found.
        why: String,
    },
    /// This store cannot or must not do that (read-only, too large, a malformed key or URL).
    #[error("{0}")]
    Unsupported(String),
    /// Anything else.
    #[error("{what}")]
    Other {
        /// What was being done, to which key.
        what: String,
        /// What went wrong.
        #[source]
        source: Cause,
    },
}

impl StoreError {
    /// The category of this error.
    pub fn category(&self) -> Category {
        match self {
            Self::NotFound { .. } | Self::NoSuchPlace { .. } => Category::NotFound,
            Self::AlreadyExists { .. } => Category::Conflict,
            Self::Denied { .. } => Category::Denied,
            Self::Throttled { .. } | Self::Unavailable { .. } | Self::OutcomeUnknown { .. } | Self::Full { .. } => {
                Category::Unavailable
            }
            Self::Corrupt { .. } => Category::Corrupt,
            Self::InvalidRange { .. } | Self::Unsupported(_) => Category::Invalid,
            Self::Other { .. } => Category::Other,
        }
    }

    /// Whether the same request may succeed later. After `OutcomeUnknown` only the log may send a create
    /// again, for it compares.
    pub fn is_retryable(&self) -> bool {
        self.category().is_retryable()
    }

    /// Whether it is [`StoreError::NotFound`].
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}
