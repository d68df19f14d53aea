//! The contract of [`Store`] as one test suite, for every store and every wrapper (feature `conformance`).
//!
//! It panics where a store breaks the contract, so an implementor's test is one line. The store must be empty; tokio's
//! tasks and timers must be enabled.
//!
//! ```
//! use std::sync::Arc;
//! use bastion_core::store::{MemoryStore, conformance};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! conformance::check(Arc::new(MemoryStore::new())).await;
//! # }
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)] // it is a test

use std::{fmt::Debug, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::{Key, Meta, Prefix, PutMode, PutOptions, Store, StoreError, StoreResult};

mod listing;
mod reading;
mod writing;

/// Runs the whole suite. The store must be empty; the suite leaves files in it.
pub async fn check(store: Arc<dyn Store>) {
    check_reads(store.clone(), store.clone()).await;
    let suite = Suite { write: store.clone(), read: store };
    suite.create_only().await;
    suite.racing_creates().await;
    suite.overwrite().await;
    suite.overwrite_is_atomic().await;
    suite.delete_is_idempotent().await;
    suite.too_large_is_refused().await;
    suite.cancelled_puts().await;
}

/// Runs the part that reads, through `read`, on files that are put through `write`: for stores that cannot
/// be written through.
pub async fn check_reads(write: Arc<dyn Store>, read: Arc<dyn Store>) {
    let suite = Suite { write, read };
    suite.empty().await;
    suite.not_found().await;
    suite.reads_what_was_put().await;
    suite.ranges().await;
    suite.awkward_names().await;
    suite.big_files().await;
    suite.list_order().await;
    suite.list_of_many().await;
}

struct Suite {
    write: Arc<dyn Store>,
    read: Arc<dyn Store>,
}

impl Suite {
    async fn create(&self, key: &Key, body: impl Into<Bytes>) -> StoreResult<Meta> {
        self.write.put(key, body.into(), &PutOptions::create()).await
    }

    /// Puts many small files, some at a time.
    async fn fill(&self, keys: impl IntoIterator<Item = Key>) {
        stream::iter(keys)
            .map(|key| async move { self.create(&key, key.as_str().to_owned()).await.map(drop) })
            .buffer_unordered(16)
            .try_collect::<()>()
            .await
            .expect("putting small files");
    }

    async fn keys(&self, prefix: &Prefix, after: Option<&Key>) -> Vec<String> {
        self.read.list(prefix, after).map_ok(|m| m.key.to_string()).try_collect().await.expect("listing")
    }

    async fn assert_holds(&self, key: &Key, body: &[u8]) {
        let got = self.read.get(key, None).await.expect("reading back");
        assert!(got == body, "{key} holds {} bytes other than the {} put", got.len(), body.len());
        let meta = self.read.head(key).await.expect("head");
        assert_eq!((&meta.key, meta.size), (key, body.len() as u64));
    }

    async fn assert_absent(&self, key: &Key) {
        assert_not_found(key, self.read.get(key, None).await);
        assert_not_found(key, self.read.get(key, Some(0..1)).await);
        assert_not_found(key, self.read.head(key).await);
    }
}

fn key(path: &str) -> Key {
    Key::parse(path).expect("a key")
}

fn folder(path: &str) -> Prefix {
    Prefix::from_segments(path.split('/'))
}

fn pattern(size: usize, seed: u8) -> Bytes {
    let line: Vec<u8> = (0..251).map(|n: u8| n.wrapping_add(seed)).collect();
    let mut body = line.repeat(size / line.len() + 1);
    body.truncate(size);
    body.into()
}

fn assert_not_found<T: Debug>(key: &Key, result: StoreResult<T>) {
    let error = result.expect_err("nothing lies there");
    assert!(error.is_not_found(), "{error:?}");
    assert!(error.to_string().contains(key.file_name()), "names its key: {error}");
}

fn assert_exists<T: Debug>(result: &StoreResult<T>) {
    assert!(matches!(result, Err(StoreError::AlreadyExists { .. })), "{result:?}");
}
