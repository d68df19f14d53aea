use std::{fmt, ops::Range, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{
    future::BoxFuture,
    stream::{self, BoxStream, StreamExt},
};

use super::{Key, Meta, Prefix, PutMode, PutOptions, Store, StoreError, StoreResult};
use crate::{backoff::Backoff, failure::chain, runtime::SharedRuntime};

/// How often a [`RetryStore`] tries, and how long it waits in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How many times altogether; 1 means no retry.
    pub attempts: u32,
    /// The longest pause before the second try; doubles with every further one.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    /// Six tries, pauses of up to 0.2, 0.4, 0.8, 1.6 and 3.2 seconds.
    fn default() -> Self {
        Self { attempts: 6, first_pause: Duration::from_millis(200), longest_pause: Duration::from_secs(10) }
    }
}

impl RetryPolicy {
    /// How many times altogether; 1 means no retry.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The longest pause before the second try; doubles with every further one.
    #[must_use]
    pub fn first_pause(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self
    }

    /// No pause is longer than this.
    #[must_use]
    pub fn longest_pause(mut self, pause: Duration) -> Self {
        self.longest_pause = pause;
        self
    }

    /// All of each pause is left to chance, so that clients that failed together do not come back together.
    fn backoff(&self) -> Backoff {
        Backoff::new(self.first_pause, self.longest_pause).jitter(1.0)
    }
}

/// A store that retries what failed in passing: reads, lists (from where they stopped), deletes, overwrites.
/// **Creates are sent once**: whether a create that was refused or lost did in fact succeed, only the caller can tell,
/// who has the bytes to compare.
#[derive(Clone)]
pub struct RetryStore {
    inner: Arc<dyn Store>,
    runtime: SharedRuntime,
    policy: RetryPolicy,
}

impl fmt::Debug for RetryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RetryStore").field(&self.inner).finish()
    }
}

impl RetryStore {
    /// Retries `inner` by this policy.
    pub fn new(inner: Arc<dyn Store>, runtime: SharedRuntime, policy: RetryPolicy) -> Self {
        Self { inner, runtime, policy }
    }

    /// Waits before another try, or hands the error back: it will not help, or there were enough tries.
    async fn pause_after(&self, error: StoreError, backoff: &mut Backoff) -> StoreResult<()> {
        // A full disk is for people; the caller keeps what it has and asks again in its own time.
        if !error.is_retryable() || matches!(error, StoreError::Full { .. }) {
            return Err(error);
        }
        let Some(pause) = backoff.next_within(self.policy.attempts, self.runtime.random()) else { return Err(error) };
        let tried = backoff.failures();
        tracing::debug!(error = chain(&error), tried, ?pause, "storage request failed; retrying");
        self.runtime.sleep(pause).await;
        Ok(())
    }

    async fn retry<'a, T>(&self, call: impl Fn() -> BoxFuture<'a, StoreResult<T>> + Send) -> StoreResult<T> {
        let mut backoff = self.policy.backoff();
        loop {
            match call().await {
                Ok(value) => return Ok(value),
                Err(error) => self.pause_after(error, &mut backoff).await?,
            }
        }
    }
}

/// Where a list stands that may have to be begun anew.
struct Listing {
    store: RetryStore,
    prefix: Prefix,
    last: Option<Key>,
    entries: BoxStream<'static, StoreResult<Meta>>,
    /// Counts failures since the last entry.
    backoff: Backoff,
    failed: bool,
}

impl Listing {
    async fn next(mut self) -> Option<(StoreResult<Meta>, Self)> {
        while !self.failed {
            match self.entries.next().await? {
                Ok(meta) => {
                    self.backoff.reset();
                    self.last = Some(meta.key.clone());
                    return Some((Ok(meta), self));
                }
                Err(error) => {
                    if let Err(error) = self.store.pause_after(error, &mut self.backoff).await {
                        self.failed = true;
                        return Some((Err(error), self));
                    }
                    self.entries = self.store.inner.list(&self.prefix, self.last.as_ref());
                }
            }
        }
        None
    }
}

#[async_trait]
impl Store for RetryStore {
    async fn put(&self, key: &Key, body: Bytes, options: &PutOptions) -> StoreResult<Meta> {
        match options.mode {
            PutMode::Create => self.inner.put(key, body, options).await,
            PutMode::Overwrite => self.retry(|| self.inner.put(key, body.clone(), options)).await,
        }
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Bytes> {
        self.retry(|| self.inner.get(key, range.clone())).await
    }

    async fn head(&self, key: &Key) -> StoreResult<Meta> {
        self.retry(|| self.inner.head(key)).await
    }

    fn list(&self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'static, StoreResult<Meta>> {
        let listing = Listing {
            store: self.clone(),
            prefix: prefix.clone(),
            last: after.cloned(),
            entries: self.inner.list(prefix, after),
            backoff: self.policy.backoff(),
            failed: false,
        };
        stream::unfold(listing, Listing::next).boxed()
    }

    async fn delete(&self, key: &Key) -> StoreResult<()> {
        self.retry(|| self.inner.delete(key)).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::print_stdout)]

    use futures::TryStreamExt;

    use super::*;
    use crate::{
        runtime::SimRuntime,
        store::{Fault, FaultRates, FaultyStore, MemoryStore, Verb, conformance},
    };

    fn store(seed: u64) -> (FaultyStore, RetryStore) {
        let runtime = Arc::new(SimRuntime::new(seed));
        let faulty = FaultyStore::new(Arc::new(MemoryStore::new()), runtime.clone(), seed);
        (faulty.clone(), RetryStore::new(Arc::new(faulty), runtime, RetryPolicy::default()))
    }

    fn key(n: u32) -> Key {
        Key::from_segments([format!("{n:04}")])
    }

    #[tokio::test(start_paused = true)]
    async fn behaves_like_a_store() {
        conformance::check(Arc::new(store(1).1)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_create_is_sent_once_whatever_happens() {
        let (faulty, store) = store(2);
        for (n, fault) in
            [Fault::Unavailable, Fault::Throttled, Fault::LostAnswer, Fault::LostRequest].into_iter().enumerate()
        {
            let key = key(n.try_into().unwrap());
            faulty.fail_next(Verb::Put, fault);
            assert!(store.put(&key, Bytes::new(), &PutOptions::create()).await.unwrap_err().is_retryable());
            assert_eq!(faulty.calls(Verb::Put).iter().filter(|k| **k == key.as_str()).count(), 1, "{fault:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn reads_overwrites_and_lists_get_through_bad_weather() {
        for seed in 0..20 {
            println!("seed {seed}");
            let (faulty, store) = store(seed);
            faulty.set_rates(FaultRates::rough());
            for n in 0..50 {
                store.put(&key(n), Bytes::from(n.to_string()), &PutOptions::overwrite()).await.unwrap();
                assert_eq!(store.get(&key(n), None).await.unwrap(), n.to_string());
            }
            for _ in 0..3 {
                faulty.fail_next(Verb::List, Fault::LostAnswer);
            }
            let listed: Vec<_> = store.list(&Prefix::root(), None).map_ok(|m| m.key).try_collect().await.unwrap();
            assert_eq!(listed, (0..50).map(key).collect::<Vec<_>>());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_on_what_does_not_pass_and_at_once_on_what_will_not() {
        let (faulty, store) = store(3);
        faulty.set_down(true);
        assert!(matches!(store.get(&key(1), None).await, Err(StoreError::Unavailable { .. })));
        assert_eq!(faulty.operations(), 6);
        let mut entries = store.list(&Prefix::root(), None);
        assert!(entries.next().await.unwrap().is_err());
        assert!(entries.next().await.is_none(), "a failed list ends");
        faulty.set_down(false);
        for fault in [Fault::Denied, Fault::Full] {
            let before = faulty.operations();
            faulty.fail_next(Verb::Delete, fault);
            assert!(store.delete(&key(1)).await.is_err());
            assert_eq!(faulty.operations(), before + 1, "{fault:?}");
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let policy = RetryPolicy::default();
        let pause = |tried, random| {
            let mut backoff = policy.backoff();
            (0..tried).map(|_| backoff.next(random)).last().unwrap()
        };
        let longest = |tried| (0..1000).map(|n| pause(tried, n * 7_919_333)).max().unwrap();
        assert!(longest(1) <= Duration::from_millis(200) && longest(1) > Duration::from_millis(150));
        assert!(longest(3) <= Duration::from_millis(800) && longest(3) > Duration::from_millis(600));
        assert!(longest(60) <= Duration::from_secs(10));
    }
}
