use std::{ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Key, Meta, Prefix, PutOptions, Store, StoreResult};

/// A store that handles a limited number of requests at a time; others wait in order of arrival.
///
/// A list counts only while its next entry is fetched, so a caller that reads files while it lists them cannot
/// block itself.
#[derive(Debug, Clone)]
pub struct LimitStore {
    inner: Arc<dyn Store>,
    slots: Arc<Semaphore>,
}

impl LimitStore {
    /// Limits `inner` to `concurrent` requests at a time; at least one.
    pub fn new(inner: Arc<dyn Store>, concurrent: usize) -> Self {
        Self { inner, slots: Arc::new(Semaphore::new(concurrent.clamp(1, Semaphore::MAX_PERMITS))) }
    }

    async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        // Nobody closes the semaphore; if somebody did there would be no limit.
        self.slots.acquire().await.ok()
    }
}

#[async_trait]
impl Store for LimitStore {
    async fn put(&self, key: &Key, body: Bytes, options: &PutOptions) -> StoreResult<Meta> {
        let _slot = self.slot().await;
        self.inner.put(key, body, options).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Bytes> {
        let _slot = self.slot().await;
        self.inner.get(key, range).await
    }

    async fn head(&self, key: &Key) -> StoreResult<Meta> {
        let _slot = self.slot().await;
        self.inner.head(key).await
    }

    fn list(&self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'static, StoreResult<Meta>> {
        let state = (self.clone(), self.inner.list(prefix, after));
        stream::unfold(state, |(this, mut entries)| async move {
            let slot = this.slot().await;
            let entry = entries.next().await?;
            drop(slot);
            Some((entry, (this, entries)))
        })
        .boxed()
    }

    async fn delete(&self, key: &Key) -> StoreResult<()> {
        let _slot = self.slot().await;
        self.inner.delete(key).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        runtime::{Runtime, SimRuntime},
        store::{Fault, FaultyStore, MemoryStore, conformance},
    };

    #[tokio::test]
    async fn behaves_like_a_store() {
        conformance::check(Arc::new(LimitStore::new(Arc::new(MemoryStore::new()), 1))).await;
    }

    #[tokio::test(start_paused = true)]
    async fn six_slow_reads_two_at_a_time_take_three_times_as_long() {
        let runtime = Arc::new(SimRuntime::new(1));
        let slow = FaultyStore::new(Arc::new(MemoryStore::new()), runtime.clone(), 1);
        slow.set_script(|_| Some(Fault::Slow(Duration::from_secs(1))));
        let store = LimitStore::new(Arc::new(slow), 2);
        let keys: Vec<_> = (0..6).map(|n| Key::from_segments([n.to_string()])).collect();
        futures::future::join_all(keys.iter().map(|key| store.get(key, None))).await;
        assert_eq!(runtime.uptime().as_secs(), 3);
    }
}
