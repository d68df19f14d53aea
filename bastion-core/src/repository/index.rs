//! Which state of every object is the newest.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures::stream::{BoxStream, StreamExt, TryStreamExt};

use super::{
    cache::NewestCache,
    commit::Commit,
    files::{IndexFiles, Range},
    format::IndexRef,
    load::Loaded,
    log::Log,
    merge, order,
    tail::Tail,
};
use crate::{
    error::Result,
    object::{GroupKind, ObjectId},
    record::{Newest, Revision},
};

/// Which state of every object is the newest, as of the last commit that the writer made or read.
///
/// Recently used entries are kept in memory; what is not there is looked up in the index files.
#[derive(Debug)]
pub struct Index {
    view: RwLock<View>,
    cache: NewestCache,
}

#[derive(Debug)]
struct View {
    tail: Tail,
    files: IndexFiles,
    /// Counts changes, so that a slow look-up does not put something old into the cache.
    generation: u64,
    /// Whether every object of the log went into the cache.
    prefilled: bool,
}

impl Index {
    pub(super) fn new(log: &Log, loaded: &Loaded, capacity: usize) -> Self {
        let view = View {
            tail: loaded.tail.clone(),
            files: IndexFiles::new(log, loaded.indexes()),
            generation: 0,
            prefilled: false,
        };
        Self { view: RwLock::new(view), cache: NewestCache::new(capacity) }
    }

    /// Reads the newest states into memory, as many as there is room for.
    pub(super) async fn prefill(&self, capacity: usize) -> Result<()> {
        let mut all = self.pass(&Range::All);
        let mut room = capacity;
        while room > 0 {
            let Some((id, newest)) = all.try_next().await? else {
                self.write().prefilled = true;
                return Ok(());
            };
            self.cache.insert(&id, &newest);
            room -= 1;
        }
        Ok(())
    }

    /// The newest state of an object; `None` if the log never had it.
    pub async fn newest(&self, id: &ObjectId) -> Result<Option<Newest>> {
        if let Some(newest) = self.cache.get(id) {
            return Ok(Some(newest));
        }
        let (in_tail, files, generation) = {
            let view = self.read();
            if view.prefilled && !self.cache.has_evicted() {
                return Ok(None);
            }
            (view.tail.of(id).to_vec(), view.files.clone(), view.generation)
        };
        let mut revisions = files.newest(id).await?;
        revisions.extend(in_tail);
        let newest = order::arrange(revisions).first().map(order::newest_of);
        let view = self.read();
        if let Some(newest) = newest.as_ref().filter(|_| view.generation == generation) {
            self.cache.insert(id, newest);
        }
        Ok(newest)
    }

    /// The newest state of an object, if it is in memory.
    pub(crate) fn newest_in_memory(&self, id: &ObjectId) -> Option<Newest> {
        self.cache.get(id)
    }

    /// The newest states of all objects of a kind, deleted and released ones too, in the order of their ids:
    /// one pass over the index files, never from the cache. Sees the state of the moment of the call.
    pub fn live(&self, kind: &GroupKind) -> BoxStream<'static, Result<(ObjectId, Newest)>> {
        self.pass(&Range::Kind(kind.clone()))
    }

    fn pass(&self, range: &Range) -> BoxStream<'static, Result<(ObjectId, Newest)>> {
        let sources = {
            let view = self.read();
            let mut sources = view.files.sources(range, false);
            sources.push(tail_source(&view.tail, range));
            sources
        };
        let newest = merge::merge(sources).map_ok(|revisions| order::arrange(revisions).into_iter().next());
        newest.try_filter_map(async |v| Ok(v.map(|v| (v.id.clone(), order::newest_of(&v))))).boxed()
    }

    /// Takes in a commit. `newest` are the newest states of its objects, it included.
    pub(super) fn apply(&self, commit: Commit, newest: &[(ObjectId, Newest)]) {
        let mut view = self.write();
        view.generation += 1;
        view.tail.push(commit);
        for (id, newest) in newest {
            self.cache.insert(id, newest);
        }
    }

    /// Takes in a checkpoint that covers the segments up to `n`.
    pub(super) fn rebase(&self, n: u64, references: &[IndexRef]) {
        let mut view = self.write();
        view.generation += 1;
        view.files = view.files.replaced(references);
        view.tail.forget(n);
    }

    /// Forgets everything for what was read anew.
    pub(super) fn replace(&self, loaded: &Loaded) {
        let mut view = self.write();
        view.generation += 1;
        view.prefilled = false;
        view.files = view.files.replaced(loaded.indexes());
        view.tail = loaded.tail.clone();
        self.cache.clear();
    }

    pub(super) fn with_tail<T>(&self, look: impl FnOnce(&Tail) -> T) -> T {
        look(&self.read().tail)
    }

    fn read(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The merge takes the revisions of an object newest first, as index files have them.
fn newest_first(mut revisions: Vec<Revision>) -> Vec<Revision> {
    for of_object in revisions.chunk_by_mut(|a, b| a.id == b.id) {
        of_object.reverse();
    }
    revisions
}

/// Nothing but the revisions of these objects, as a source for [`merge::merge`].
pub(super) fn tail_source(tail: &Tail, range: &Range) -> merge::Source {
    merge::in_memory(newest_first(tail.range(range)))
}
