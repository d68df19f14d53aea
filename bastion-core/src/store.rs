//! Where files lie: the [`Store`] trait, its keys, its errors, and the wrappers around it.

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

/// The largest file that a store must take: 16 MiB. So no store needs multipart uploads or streaming.
pub const MAX_FILE: usize = 16 << 20;

/// What every store asks first of a file that is to be written.
pub fn check_size(key: &Key, size: usize) -> StoreResult<()> {
    if size > MAX_FILE {
        return Err(StoreError::Unsupported(format!("{key} has {size} bytes; a file may have {MAX_FILE}")));
    }
    Ok(())
}

/// The part of a range that lies within a file of `size` bytes, as [`Store::get`] wants it.
pub fn check_range(key: &Key, size: u64, range: &Range<u64>) -> StoreResult<Range<u64>> {
    if range.start >= size {
        return Err(StoreError::InvalidRange { key: key.to_string(), size, start: range.start });
    }
    Ok(range.start..range.end.clamp(range.start, size))
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PutMode {
    /// Only where nothing lies yet; otherwise [`StoreError::AlreadyExists`]. Of several racing creates of
    /// one key exactly one returns `Ok`, and the file then holds that one's bytes.
    #[default]
    Create,
    /// In place of whatever lies there. For views only: the log never overwrites.
    Overwrite,
}

/// How to write a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutOptions {
    /// Create (default) or overwrite.
    pub mode: PutMode,
    /// Not to be deleted before this moment, where the store has object lock.
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

/// What a store knows of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Its key.
    pub key: Key,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last written, by the storage's clock, where the storage says so.
    pub modified: Option<Timestamp>,
}

/// Storage of whole files of up to [`MAX_FILE`] bytes under [`Key`]s.
///
/// The contract, which the `conformance` suite checks on every store and every wrapper:
/// - `put` is atomic and durable on `Ok`: a reader sees the whole file or none, whatever crashes. After
///   [`StoreError::OutcomeUnknown`] the file may be there, may not, and may still appear.
/// - No store and no wrapper turns `AlreadyExists` into `Ok` or sends a create again: only the log may, it
///   has the bytes to compare.
/// - `get`, `head`, `list` see every `put` that returned `Ok` before they were called.
/// - `list` goes by the bytes of the key, is lazy, and is complete or ends with an error.
/// - `delete` of what is not there is `Ok`.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// Writes a file.
    async fn put(&self, key: &Key, body: Bytes, options: &PutOptions) -> StoreResult<Meta>;
    /// Reads a file, or these bytes of it. A range that reaches beyond the end gives what there is; one
    /// that starts at or beyond the end is [`StoreError::InvalidRange`]; an empty one gives nothing.
    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Bytes>;
    /// Size and time of a file.
    async fn head(&self, key: &Key) -> StoreResult<Meta>;
    /// The files under a prefix in byte order of their keys, those after `after` only.
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

/// Why a store could not do it. Each names the key or the place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Nothing lies there.
    #[error("{key} does not exist")]
    NotFound {
        /// What was asked for.
        key: String,
    },
    /// Something lies there already; the answer to a create.
    #[error("{key} exists already")]
    AlreadyExists {
        /// What was to be created.
        key: String,
    },
    /// Credentials are missing, wrong, or not allowed to do this.
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
    /// The request was sent and no answer came: it may or may not have been carried out, or be yet.
    #[error("the outcome of writing {key} is unknown")]
    OutcomeUnknown {
        /// What was to be written.
        key: String,
        /// What went wrong.
        #[source]
        source: Cause,
    },
    /// The range starts at or beyond the end of the file.
    #[error("{key} has {size} bytes; there is nothing at {start}")]
    InvalidRange {
        /// Which file.
        key: String,
        /// Its size.
        size: u64,
        /// Where the range starts.
        start: u64,
    },
    /// The place itself does not exist: no such bucket, no such folder.
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
    /// The storage hands out something other than was stored.
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
    /// What sort of failure this is.
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

    /// Whether nothing lies there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}
