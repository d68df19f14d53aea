//! Letting what is under way end: of one kind, and of the whole run.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::{
    error::{Error, Result, chain},
    pipeline::{BatcherMessage, EngineEvent, Finished, KindPipeline, Shared, tombstone_kind},
};

/// What the batcher ends with.
pub(super) type Outcome = oneshot::Receiver<Result<Finished>>;

/// Waits until what is under way is in the log, and says so to the engine. Of a kind whose CRD is gone, so are
/// the objects: they get their tombstones.
pub(super) async fn drain_kind(pipeline: KindPipeline, tombstone: bool, deadline: Duration) {
    let KindPipeline { lane, shared } = &pipeline;
    let drained = async {
        lane.wait_until_idle().await;
        if tombstone && let Err(error) = tombstone_kind(&pipeline).await {
            tracing::warn!(kind = %lane.kind, error = chain(&error), "could not record the deletions of a kind that is gone");
        }
        lane.wait_until_idle().await;
    };
    tokio::select! {
        biased;
        () = lane.kill.cancelled() => return,
        () = drained => {}
        // Objects of a kind that is gone cannot be read again: what waits for that would wait forever.
        () = shared.runtime.sleep(deadline) => {}
    }
    lane.kill.cancel();
    shared.events.send(EngineEvent::Drained { lane: lane.clone() });
}

/// Waits until every lane is idle, and then for the batcher to commit the rest.
pub(super) async fn flush(
    shared: &Shared,
    pipelines: &[KindPipeline],
    events: &mut mpsc::UnboundedReceiver<EngineEvent>,
    mut outcome: Outcome,
) -> Result<Finished> {
    let idle = async {
        for pipeline in pipelines {
            pipeline.lane.wait_until_idle().await;
        }
    };
    tokio::select! {
        biased;
        result = &mut outcome => return Err(ended_early(result)),
        error = fatal(events) => return Err(error),
        () = idle => {}
    }
    // A batcher that is gone says why through `outcome`.
    shared.outbox.send(BatcherMessage::Finish).await;
    outcome.await.unwrap_or(Err(Error::Cancelled))
}

/// Waits for an event that ends the run.
async fn fatal(events: &mut mpsc::UnboundedReceiver<EngineEvent>) -> Error {
    loop {
        match events.recv().await {
            Some(EngineEvent::Fatal(error)) => return error,
            Some(_) => {}
            None => std::future::pending().await,
        }
    }
}

/// Before it was asked to finish, the batcher ends only with an error.
pub(super) fn ended_early(result: Result<Result<Finished>, oneshot::error::RecvError>) -> Error {
    match result {
        Ok(Err(error)) => error,
        _ => Error::Cancelled,
    }
}
