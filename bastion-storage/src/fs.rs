//! Files in a folder, local or mounted.

use std::{ops::Range, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bastion_core::store::{Key, Meta, Prefix, PutOptions, Store, StoreError, StoreResult, check_size};
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};

mod error;
mod folder;
mod list;
mod read;
mod write;

use folder::Root;
use list::Walk;

/// A store in a folder; a key is a path in it.
///
/// - Durable: on `Ok` the file, its name and every new folder above it have been synced.
/// - Atomic: a file is written under another name, in `.#tmp`, and then moved to its place. What a crash
///   leaves there is never listed, and removed a day later.
/// - Confined: every part of a path is opened by itself, and a symbolic link is followed nowhere.
/// - Files are made readable for their owner and group, less what the umask takes away.
///
/// The folder may lie on NFS; then racing creates are as safe as the server's `link`. It must be there when
/// the store is opened: a volume that is not mounted is not a new, empty repository.
#[derive(Debug, Clone)]
pub struct FsStore(Arc<Root>);

impl FsStore {
    /// Opens a folder that exists.
    pub async fn open(path: impl Into<PathBuf>) -> StoreResult<Self> {
        let path = path.into();
        blocking(move || Root::open(path)).await.map(|root| Self(Arc::new(root)))
    }

    /// Opens a folder, after making it and those above it where they are missing.
    pub async fn create(path: impl Into<PathBuf>) -> StoreResult<Self> {
        let path = path.into();
        blocking(move || folder::create(&path).and_then(|()| Root::open(path))).await.map(|root| Self(Arc::new(root)))
    }
}

/// Runs what waits for a disk where it holds up nobody. Goes on when the caller stops waiting: then a file
/// appears a little later, whole.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> StoreResult<T> + Send + 'static) -> StoreResult<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The process is going down: nobody will hear more than that.
            Err(cancelled) => Err(StoreError::OutcomeUnknown { key: "a file".into(), source: Box::new(cancelled) }),
        },
    }
}

#[async_trait]
impl Store for FsStore {
    async fn put(&self, key: &Key, body: Bytes, options: &PutOptions) -> StoreResult<Meta> {
        check_size(key, body.len())?;
        let (root, key, mode) = (self.0.clone(), key.clone(), options.mode);
        blocking(move || write::put(&root, key, &body, mode)).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Bytes> {
        let (root, key) = (self.0.clone(), key.clone());
        blocking(move || read::get(&root, &key, range)).await
    }

    async fn head(&self, key: &Key) -> StoreResult<Meta> {
        let (root, key) = (self.0.clone(), key.clone());
        blocking(move || read::head(&root, key)).await
    }

    fn list(&self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'static, StoreResult<Meta>> {
        let walk = Walk::new(self.0.clone(), prefix, after);
        stream::try_unfold(walk, |mut walk| async move {
            let (entries, walk) = blocking(move || walk.next_entries().map(|entries| (entries, walk))).await?;
            Ok((!entries.is_empty()).then(|| (stream::iter(entries.into_iter().map(Ok)), walk)))
        })
        .flat_map(|part| match part {
            Ok(entries) => entries.left_stream(),
            Err(error) => stream::once(futures::future::ready(Err(error))).right_stream(),
        })
        .boxed()
    }

    async fn delete(&self, key: &Key) -> StoreResult<()> {
        let (root, key) = (self.0.clone(), key.clone());
        blocking(move || write::delete(&root, &key)).await
    }
}
