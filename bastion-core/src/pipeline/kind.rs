//! One kind's pipeline: its lane, the workers that it starts, and what it shares with other kinds.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    error::Result,
    object::{GroupKind, ObjectId},
    pipeline::{
        decide::Action, event::ObjectEvent, lane::Lane, messages::BatcherMessage, shared::Shared, workers::work,
    },
    record::Withheld,
};

#[derive(Debug, Clone)]
pub(crate) struct KindPipeline {
    pub(crate) lane: Arc<Lane>,
    pub(crate) shared: Arc<Shared>,
}

impl KindPipeline {
    pub(crate) fn new(lane: Lane, shared: Arc<Shared>) -> Self {
        Self { lane: Arc::new(lane), shared }
    }

    /// Starts the workers that it has even where nothing waits.
    pub(crate) fn start(&self) {
        self.start_workers(self.lane.add_workers());
    }

    fn start_workers(&self, workers: usize) {
        for _ in 0..workers {
            self.shared.runtime.spawn(Box::pin(work(self.lane.clone(), self.shared.clone())));
        }
    }

    /// Queues an event; waits while too many objects wait already.
    pub(crate) async fn enqueue(&self, id: &ObjectId, event: ObjectEvent) {
        self.start_workers(self.lane.enqueue(id, event).await);
    }

    /// Whether the log has the object just as it was seen, and nothing of it is on its way: then there is
    /// nothing to do. `false` where that is not known without a look into the log's files.
    pub(crate) fn has_already(&self, id: &ObjectId, event: &ObjectEvent) -> bool {
        // Asked for before the index is: what leaves the tracker is in the index.
        if self.lane.tracker(|t| t.is_under_way(id)) {
            return false;
        }
        let decider = &self.lane.decider;
        let newest = self.shared.lookup.index.newest_in_memory(id).filter(|n| n.order == decider.order(event));
        newest.is_some() && decider.decide(event, newest.as_ref()) == Action::Unchanged
    }

    /// Another writer committed the object's newest state. If a later one was seen here, it is read again.
    pub(crate) async fn recheck(&self, id: &ObjectId) -> Result<()> {
        let Some(newest) = self.shared.lookup.newest(&self.lane, id).await? else { return Ok(()) };
        let at = newest.order.resource_version;
        if self.lane.tracker(|t| t.recent.saw_later_than(id, &at)) {
            self.start_workers(self.lane.enqueue_at_once(id, ObjectEvent::Recheck { at }));
        }
        Ok(())
    }

    /// The brake withholds this, or nothing any more.
    pub(crate) async fn withhold(&self, withheld: Option<Withheld>) {
        if self.lane.withhold(withheld) {
            self.shared.outbox.send(BatcherMessage::Note).await;
        }
    }
}

/// The pipelines that are alive, by kind: the engine adds and removes, the batcher asks them for positions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pipelines(Arc<Mutex<BTreeMap<GroupKind, KindPipeline>>>);

impl Pipelines {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<GroupKind, KindPipeline>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, pipeline: KindPipeline) {
        self.lock().insert(pipeline.lane.group_kind().clone(), pipeline);
    }

    pub(crate) fn remove(&self, kind: &GroupKind) {
        self.lock().remove(kind);
    }

    pub(crate) fn get(&self, kind: &GroupKind) -> Option<KindPipeline> {
        self.lock().get(kind).cloned()
    }

    pub(crate) fn all(&self) -> Vec<KindPipeline> {
        self.lock().values().cloned().collect()
    }

    /// Whether this lane is the kind's: it may have been replaced.
    pub(crate) fn is_current(&self, lane: &Arc<Lane>) -> bool {
        self.lock().get(lane.group_kind()).is_some_and(|current| Arc::ptr_eq(&current.lane, lane))
    }
}
