//! From a URL to a store.

use std::{path::Path, sync::Arc};

use bastion_core::{
    runtime::{SharedRuntime, TokioRuntime},
    store::{LimitStore, ReadOnlyStore, RetryPolicy, RetryStore, Store, StoreResult},
};

mod parse;

use parse::Location;

/// What a URL does not say.
#[derive(Debug, Clone)]
#[must_use]
pub struct StoreOptions {
    runtime: SharedRuntime,
    retry: RetryPolicy,
    concurrent: usize,
    read_only: bool,
    create_folder: bool,
    #[cfg(feature = "s3")]
    credentials: Option<crate::s3::S3Credentials>,
}

impl Default for StoreOptions {
    /// The real clock, the usual retries, 16 requests at a time.
    fn default() -> Self {
        Self {
            runtime: Arc::new(TokioRuntime::new()),
            retry: RetryPolicy::default(),
            concurrent: 16,
            read_only: false,
            create_folder: false,
            #[cfg(feature = "s3")]
            credentials: None,
        }
    }
}

impl StoreOptions {
    /// The clock and the chance that pauses between tries come from.
    pub fn runtime(self, runtime: SharedRuntime) -> Self {
        Self { runtime, ..self }
    }

    /// How often to try what failed in passing.
    pub fn retry(self, retry: RetryPolicy) -> Self {
        Self { retry, ..self }
    }

    /// How many requests at a time.
    pub fn concurrent(self, requests: usize) -> Self {
        Self { concurrent: requests, ..self }
    }

    /// Makes the folder where there is none; a bucket is never made. For a new repository only: a volume that
    /// is not mounted must not look like an empty one.
    pub fn create_folder(self, create_folder: bool) -> Self {
        Self { create_folder, ..self }
    }

    /// Refuses every change.
    pub fn read_only(self, read_only: bool) -> Self {
        Self { read_only, ..self }
    }

    /// An access key in place of what the environment has (S3).
    #[cfg(feature = "s3")]
    pub fn credentials(self, credentials: crate::s3::S3Credentials) -> Self {
        Self { credentials: Some(credentials), ..self }
    }
}

/// Opens the store that a URL names.
///
/// - `file:///backups/production`, or just a path: a folder, which must exist.
/// - `s3://bucket/some/prefix?endpoint=https://minio:9000&region=eu-west-1&path_style=true&ca=/etc/ca.pem`:
///   a bucket; everything after the bucket may be left out.
///
/// Reads, lists, deletes and overwrites are tried again where that may help; creates are not, see
/// [`RetryStore`]. A URL never holds credentials.
pub async fn open(url: &str, options: &StoreOptions) -> StoreResult<Arc<dyn Store>> {
    let store = match parse::parse(url)? {
        Location::Folder(path) => open_folder(&path, options.create_folder).await?,
        Location::Bucket(bucket) => open_bucket(bucket, options).await?,
    };
    let store = Arc::new(LimitStore::new(store, options.concurrent));
    // Outside of the limit: what waits for its next try holds nobody up.
    let store = Arc::new(RetryStore::new(store, options.runtime.clone(), options.retry));
    Ok(if options.read_only { Arc::new(ReadOnlyStore::new(store)) } else { store })
}

/// The sort of place that a URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A folder.
    Folder,
    /// A bucket, or a part of one.
    Bucket,
}

/// Checks a URL without opening anything.
pub fn place(url: &str) -> StoreResult<Place> {
    parse::parse(url).map(|location| match location {
        Location::Folder(_) => Place::Folder,
        Location::Bucket(_) => Place::Bucket,
    })
}

#[cfg(feature = "fs")]
async fn open_folder(path: &Path, create: bool) -> StoreResult<Arc<dyn Store>> {
    let store = if create { crate::fs::FsStore::create(path).await? } else { crate::fs::FsStore::open(path).await? };
    Ok(Arc::new(store))
}

#[cfg(not(feature = "fs"))]
async fn open_folder(path: &Path, _create: bool) -> StoreResult<Arc<dyn Store>> {
    std::future::ready(Err(without("folders", &path.display()))).await
}

#[cfg(feature = "s3")]
async fn open_bucket(bucket: parse::Bucket, options: &StoreOptions) -> StoreResult<Arc<dyn Store>> {
    let mut s3 = crate::s3::S3Options::new(bucket.name);
    if let Some(endpoint) = bucket.endpoint {
        s3 = s3.endpoint(endpoint);
    }
    if let Some(region) = bucket.region {
        s3 = s3.region(region);
    }
    if let Some(path_style) = bucket.path_style {
        s3 = s3.path_style(path_style);
    }
    if let Some(ca) = bucket.ca {
        s3 = s3.ca(ca);
    }
    if let Some(credentials) = &options.credentials {
        s3 = s3.credentials(credentials.clone());
    }
    let store: Arc<dyn Store> = Arc::new(crate::s3::S3Store::open(&s3).await?);
    Ok(match bucket.prefix {
        Some(prefix) => Arc::new(bastion_core::store::PrefixStore::new(store, prefix)),
        None => store,
    })
}

#[cfg(not(feature = "s3"))]
async fn open_bucket(bucket: parse::Bucket, _: &StoreOptions) -> StoreResult<Arc<dyn Store>> {
    std::future::ready(Err(without("S3", &bucket.name))).await
}

#[cfg(not(all(feature = "fs", feature = "s3")))]
fn without(what: &str, which: &dyn std::fmt::Display) -> bastion_core::store::StoreError {
    bastion_core::store::StoreError::Unsupported(format!(
        "this program was built without {what}: {which} cannot be opened"
    ))
}
