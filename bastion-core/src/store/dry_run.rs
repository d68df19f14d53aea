use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, Peekable, StreamExt};
use serde::Serialize;

use super::{Key, MemoryStore, Meta, Prefix, PutMode, PutOptions, Store, StoreError, StoreResult, check_size};

/// What a dry run would have done to the store. Serializes as `{"files":2,"bytes":10,"deleted":1}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct DryRunReport {
    /// Files that would have been written, created or overwritten.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Deletions of files that would have been carried out.
    pub deleted: u64,
}

/// A store that keeps all changes in memory and shows them to whoever reads through it. The caller does everything as
/// usual, commits and reads back, and the store beneath stays as it is. Clones share the changes.
///
/// It needs no right to write, so a backup can be tried with credentials that can only read:
///
/// ```
/// use std::sync::Arc;
/// use bastion_core::{memory::MemoryCluster, prelude::*, store::{DryRunStore, MemoryStore, ReadOnlyStore}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Arc::new(MemoryStore::new());
/// Repository::init(store.clone(), InitOptions::default()).await?;
///
/// let dry_run = DryRunStore::new(Arc::new(ReadOnlyStore::new(store.clone())));
/// let repo = Repository::open(Arc::new(dry_run.clone()), OpenOptions::default().write(true)).await?;
/// let source = Arc::new(MemoryCluster::new("production").list());
/// let writer = repo.writer("production", WriterOptions::new(source.cluster_uid().await?, "backup")).await?;
/// let report = Engine::new(source, writer, EngineOptions::default()).run(CancellationToken::new()).await?;
/// assert_eq!(report.total(|kind| kind.changed), 2, "what a backup would save: two namespaces");
/// assert!(dry_run.report().bytes > 0);
///
/// let real = Repository::open(store, OpenOptions::default()).await?;
/// assert!(real.clusters().await?.is_empty(), "nothing was written");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct DryRunStore {
    inner: Arc<dyn Store>,
    written: MemoryStore,
    changes: Arc<Mutex<Changes>>,
    /// One create at a time: looking and writing are two steps here.
    creating: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct Changes {
    /// By key; the size of what was written, `None` for deleted. What is here hides what `inner` has.
    sizes: BTreeMap<Key, Option<u64>>,
    deleted: u64,
}

impl DryRunStore {
    /// A dry run over this store.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, written: MemoryStore::new(), changes: Arc::default(), creating: Arc::default() }
    }

    /// What would have been done so far.
    pub fn report(&self) -> DryRunReport {
        let changes = self.changes();
        let sizes = changes.sizes.values().flatten();
        DryRunReport { files: sizes.clone().count() as u64, bytes: sizes.sum(), deleted: changes.deleted }
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the key was written (`Some(true)`), deleted (`Some(false)`) or not touched here.
    fn touched(&self, key: &Key) -> Option<bool> {
        self.changes().sizes.get(key).map(Option::is_some)
    }

    async fn exists(&self, key: &Key) -> StoreResult<bool> {
        if let Some(written) = self.touched(key) {
            return Ok(written);
        }
        match self.inner.head(key).await {
            Ok(_) => Ok(true),
            Err(e) if e.is_not_found() => Ok(false),
            Err(e) => Err(e),
        }
    }
}

fn not_found(key: &Key) -> StoreError {
    StoreError::NotFound { key: key.to_string() }
}

/// Two lists in order of their keys; of equal keys the first list's.
struct Merge<S: futures::Stream> {
    ours: Peekable<S>,
    theirs: Peekable<S>,
}

type Entries = BoxStream<'static, StoreResult<Meta>>;

impl Merge<Entries> {
    async fn next(mut self) -> Option<(StoreResult<Meta>, Self)> {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let (ours, theirs) = (std::pin::Pin::new(&mut self.ours), std::pin::Pin::new(&mut self.theirs));
        let order = match (ours.peek().await, theirs.peek().await) {
            (Some(Ok(a)), Some(Ok(b))) => a.key.cmp(&b.key),
            (_, None) | (Some(Err(_)), _) => Less,
            (None, _) | (_, Some(Err(_))) => Greater,
        };
        if order == Equal {
            self.theirs.next().await;
        }
        let entry = if order == Greater { self.theirs.next().await } else { self.ours.next().await };
        entry.map(|entry| (entry, self))
    }
}

#[async_trait]
impl Store for DryRunStore {
    async fn put(&self, key: &Key, body: Bytes, options: &PutOptions) -> StoreResult<Meta> {
        check_size(key, body.len())?;
        let _one_at_a_time = self.creating.lock().await;
        if options.mode == PutMode::Create && self.exists(key).await? {
            return Err(StoreError::AlreadyExists { key: key.to_string() });
        }
        let meta = self.written.put(key, body, &PutOptions::overwrite()).await?;
        self.changes().sizes.insert(key.clone(), Some(meta.size));
        Ok(meta)
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Bytes> {
        match self.touched(key) {
            Some(true) => self.written.get(key, range).await,
            Some(false) => Err(not_found(key)),
            None => self.inner.get(key, range).await,
        }
    }

    async fn head(&self, key: &Key) -> StoreResult<Meta> {
        match self.touched(key) {
            Some(true) => self.written.head(key).await,
            Some(false) => Err(not_found(key)),
            None => self.inner.head(key).await,
        }
    }

    fn list(&self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'static, StoreResult<Meta>> {
        let this = self.clone();
        let untouched = move |entry: &StoreResult<Meta>| {
            let show = entry.as_ref().map_or(true, |meta| this.touched(&meta.key) != Some(false));
            futures::future::ready(show)
        };
        let merge = Merge {
            ours: self.written.list(prefix, after).peekable(),
            theirs: self.inner.list(prefix, after).filter(untouched).boxed().peekable(),
        };
        stream::unfold(merge, Merge::next).boxed()
    }

    async fn delete(&self, key: &Key) -> StoreResult<()> {
        let _one_at_a_time = self.creating.lock().await;
        if self.exists(key).await? {
            let mut changes = self.changes();
            changes.sizes.insert(key.clone(), None);
            changes.deleted += 1;
        }
        self.written.delete(key).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures::TryStreamExt;

    use super::*;
    use crate::store::conformance;

    #[tokio::test]
    async fn behaves_like_a_store_and_leaves_the_real_one_alone() {
        let memory = MemoryStore::new();
        conformance::check(Arc::new(DryRunStore::new(Arc::new(memory.clone())))).await;
        assert!(memory.list(&Prefix::root(), None).next().await.is_none());
    }

    #[tokio::test]
    async fn shows_its_changes_over_what_is_there() {
        let (memory, key) = (MemoryStore::new(), |name: &str| Key::from_segments([name]));
        for name in ["b", "d", "f"] {
            memory.put(&key(name), Bytes::from_static(b"real"), &PutOptions::create()).await.unwrap();
        }
        let store = DryRunStore::new(Arc::new(memory.clone()));
        store.put(&key("a"), Bytes::from_static(b"new"), &PutOptions::create()).await.unwrap();
        store.put(&key("d"), Bytes::from_static(b"changed"), &PutOptions::overwrite()).await.unwrap();
        store.delete(&key("f")).await.unwrap();
        store.delete(&key("nothing")).await.unwrap();
        let again = store.put(&key("b"), Bytes::new(), &PutOptions::create()).await;
        assert!(matches!(again, Err(StoreError::AlreadyExists { .. })));

        let listed = store.list(&Prefix::root(), None).map_ok(|m| (m.key.to_string(), m.size));
        let listed: Vec<_> = listed.try_collect().await.unwrap();
        assert_eq!(listed, [("a".into(), 3), ("b".into(), 4), ("d".into(), 7)]);
        assert_eq!(store.report(), DryRunReport { files: 2, bytes: 10, deleted: 1 });
        assert_eq!(memory.get(&key("d"), None).await.unwrap(), "real");
    }
}
