use std::{
    collections::BTreeMap,
    ops::{Bound, Range},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};

use super::{Key, Meta, Prefix, PutMode, PutOptions, Store, StoreError, StoreResult, check_range, check_size};

/// A store in memory, the reference for all others. Clones share the files.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<BTreeMap<Key, Bytes>>>);

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<Key, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn meta(key: &Key, body: &Bytes) -> Meta {
    Meta { key: key.clone(), size: body.len() as u64, modified: None }
}

#[async_trait]
impl Store for MemoryStore {
    async fn put(&self, key: &Key, body: Bytes, options: &PutOptions) -> StoreResult<Meta> {
        check_size(key, body.len())?;
        let mut files = self.files();
        if options.mode == PutMode::Create && files.contains_key(key) {
            return Err(StoreError::AlreadyExists { key: key.to_string() });
        }
        let meta = meta(key, &body);
        files.insert(key.clone(), body);
        Ok(meta)
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Bytes> {
        let body = self.files().get(key).cloned().ok_or_else(|| StoreError::NotFound { key: key.to_string() })?;
        let Some(range) = range else { return Ok(body) };
        let range = check_range(key, body.len() as u64, &range)?;
        let at = |n: u64| usize::try_from(n).unwrap_or(body.len());
        Ok(body.slice(at(range.start)..at(range.end)))
    }

    async fn head(&self, key: &Key) -> StoreResult<Meta> {
        let files = self.files();
        files.get(key).map(|b| meta(key, b)).ok_or_else(|| StoreError::NotFound { key: key.to_string() })
    }

    fn list(&self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'static, StoreResult<Meta>> {
        // One key at a time under the lock: lazy, and what is put meanwhile behind the cursor is seen.
        let (this, prefix) = (self.clone(), prefix.clone());
        stream::unfold(after.cloned(), move |cursor| {
            let next = {
                let files = this.files();
                let from = cursor.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
                files
                    .range((from, Bound::Unbounded))
                    .find(|(k, _)| k.as_str() >= prefix.as_str())
                    .filter(|(k, _)| k.as_str().starts_with(prefix.as_str()))
                    .map(|(k, b)| meta(k, b))
            };
            futures::future::ready(next.map(|m| (Ok(m.clone()), Some(m.key))))
        })
        .boxed()
    }

    async fn delete(&self, key: &Key) -> StoreResult<()> {
        self.files().remove(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;

    #[tokio::test]
    async fn behaves_like_a_store() {
        conformance::check(Arc::new(MemoryStore::new())).await;
    }
}
