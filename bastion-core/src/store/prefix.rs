use std::{ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};

use super::{Key, Meta, Prefix, PutOptions, Store, StoreResult};

/// A folder of another store as a store of its own. Errors name the whole key, so that the file can be found.
#[derive(Debug, Clone)]
pub struct PrefixStore {
    inner: Arc<dyn Store>,
    prefix: Prefix,
}

impl PrefixStore {
    /// The files under `prefix` in `inner`.
    pub fn new(inner: Arc<dyn Store>, prefix: Prefix) -> Self {
        Self { inner, prefix }
    }
}

#[async_trait]
impl Store for PrefixStore {
    async fn put(&self, key: &Key, body: Bytes, options: &PutOptions) -> StoreResult<Meta> {
        let meta = self.inner.put(&self.prefix.key(key), body, options).await?;
        Ok(Meta { key: key.clone(), ..meta })
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Bytes> {
        self.inner.get(&self.prefix.key(key), range).await
    }

    async fn head(&self, key: &Key) -> StoreResult<Meta> {
        let meta = self.inner.head(&self.prefix.key(key)).await?;
        Ok(Meta { key: key.clone(), ..meta })
    }

    fn list(&self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'static, StoreResult<Meta>> {
        let after = after.map(|key| self.prefix.key(key));
        let ours = self.prefix.clone();
        self.inner
            .list(&self.prefix.join(prefix), after.as_ref())
            .filter_map(move |entry| {
                // A store lists only what starts with the prefix; the rest is a key because the whole is.
                let below = |meta: Meta| {
                    let key = Key::parse(meta.key.strip(&ours)?)?;
                    Some(Meta { key, ..meta })
                };
                futures::future::ready(entry.map(below).transpose())
            })
            .boxed()
    }

    async fn delete(&self, key: &Key) -> StoreResult<()> {
        self.inner.delete(&self.prefix.key(key)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, conformance};

    #[tokio::test]
    async fn behaves_like_a_store() {
        let memory = Arc::new(MemoryStore::new());
        for sibling in ["home", "home-2", "homes"] {
            let key = Key::from_segments([sibling, "file"]);
            let put = memory.put(&key, Bytes::from_static(b"another's"), &PutOptions::create()).await;
            assert!(put.is_ok());
        }
        let store = PrefixStore::new(memory, Prefix::from_segments(["home", "of mine"]));
        conformance::check(Arc::new(store)).await;
    }
}
