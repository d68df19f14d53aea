//! What the pipelines of all kinds share.

use std::sync::Arc;

use crate::{
    error::Result,
    object::ObjectId,
    pipeline::{
        budget::Budget,
        lane::Lane,
        messages::{EngineEvents, Outbox},
        options::ReaderOptions,
        prepare::Preparer,
        retry::Retrier,
    },
    record::Newest,
    repository::Index,
    runtime::SharedRuntime,
    source::{Current, Source},
};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) runtime: SharedRuntime,
    pub(crate) lookup: Lookup,
    pub(crate) preparer: Preparer,
    /// Bodies that wait in queues or are with workers.
    pub(crate) queue_room: Budget,
    pub(crate) outbox: Outbox,
    pub(crate) events: EngineEvents,
    pub(crate) reader: ReaderOptions,
}

/// The cluster and the log as a lane looks into them, trying again where that may help.
#[derive(Debug)]
pub(crate) struct Lookup {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) index: Arc<Index>,
    pub(crate) retrier: Retrier,
}

impl Lookup {
    /// The newest state that the log has of an object.
    pub(crate) async fn newest(&self, lane: &Lane, id: &ObjectId) -> Result<Option<Newest>> {
        self.retrier.call(&lane.stats, || self.index.newest(id)).await
    }

    /// The object as it is in the cluster now.
    pub(crate) async fn current(&self, lane: &Lane, id: &ObjectId) -> Result<Option<Current>> {
        self.retrier.call(&lane.stats, || async { Ok(self.source.get(&lane.kind, id).await?) }).await
    }
}
