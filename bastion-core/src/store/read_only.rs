use std::{ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use super::{Key, Meta, Prefix, PutOptions, Store, StoreError, StoreResult};

/// A store that refuses every write, for commands that only read (verify, restore).
#[derive(Debug, Clone)]
pub struct ReadOnlyStore(Arc<dyn Store>);

impl ReadOnlyStore {
    /// Makes `inner` read-only.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self(inner)
    }
}

fn refuse<T>(what: &str, key: &Key) -> StoreResult<T> {
    Err(StoreError::Unsupported(format!("the store is read-only: not {what} {key}")))
}

#[async_trait]
impl Store for ReadOnlyStore {
    async fn put(&self, key: &Key, _: Bytes, _: &PutOptions) -> StoreResult<Meta> {
        refuse("writing", key)
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Bytes> {
        self.0.get(key, range).await
    }

    async fn head(&self, key: &Key) -> StoreResult<Meta> {
        self.0.head(key).await
    }

    fn list(&self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'static, StoreResult<Meta>> {
        self.0.list(prefix, after)
    }

    async fn delete(&self, key: &Key) -> StoreResult<()> {
        refuse("deleting", key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, conformance};

    #[tokio::test]
    async fn reads_like_a_store() {
        let memory = Arc::new(MemoryStore::new());
        conformance::check_reads(memory.clone(), Arc::new(ReadOnlyStore::new(memory))).await;
    }

    #[tokio::test]
    async fn refuses_every_change() {
        let (memory, key) = (Arc::new(MemoryStore::new()), Key::from_segments(["a"]));
        assert!(memory.put(&key, Bytes::from_static(b"x"), &PutOptions::create()).await.is_ok());
        let store = ReadOnlyStore::new(memory.clone());
        for options in [PutOptions::create(), PutOptions::overwrite()] {
            assert!(matches!(store.put(&key, Bytes::new(), &options).await, Err(StoreError::Unsupported(_))));
        }
        assert!(matches!(store.delete(&key).await, Err(StoreError::Unsupported(_))));
        assert!(matches!(memory.get(&key, None).await.as_deref(), Ok(b"x")));
    }
}
