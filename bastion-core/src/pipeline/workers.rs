//! What a worker does with an object: read, clean, hash, compare, hand over.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    error::{Failure, Result},
    object::{ObjectId, ResourceVersion},
    pipeline::{
        decide::Action, event::ObjectEvent, lane::Lane, messages::EngineEvent, position::LowWater, prepare::Prepared,
        shared::Shared, state::Transition, tracker::Job,
    },
    record::{Change, Newest, RevisionState, What},
    source::{Current, Proof},
};

/// Works until there is too little to do, or the lane ends.
pub(crate) async fn work(lane: Arc<Lane>, shared: Arc<Shared>) {
    while let Some(job) = lane.next_job().await {
        match lane.kill.clone().run_until_cancelled_owned(handle(&lane, &shared, job)).await {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                shared.events.send(EngineEvent::Fatal(error));
                break;
            }
            None => break,
        }
    }
    lane.worker_stopped();
}

/// What came out of looking at an object.
#[derive(Debug)]
enum Finding {
    Unchanged,
    Failed(Failure),
    /// It has another content.
    Changed(Change),
    /// It is gone or no longer selected.
    Vanished(Change),
}

async fn handle(lane: &Arc<Lane>, shared: &Shared, job: Job) -> Result<()> {
    let Job { id, event } = job;
    let change = match examine(lane, shared, &id, event).await? {
        Finding::Unchanged => {
            lane.stats.unchanged.add(1);
            lane.advance(&id, Transition::Unchanged);
            return Ok(());
        }
        Finding::Failed(failure) => {
            lane.record_failure(&id, failure);
            lane.advance(&id, Transition::Failed);
            return Ok(());
        }
        Finding::Changed(change) => {
            lane.stats.changed.add(1);
            lane.advance(&id, Transition::Changed);
            change
        }
        Finding::Vanished(change) => {
            let deleted = change.what.state() == RevisionState::Deleted;
            if deleted { &lane.stats.deleted } else { &lane.stats.released }.add(1);
            lane.advance(&id, Transition::Vanished);
            change
        }
    };
    shared.outbox.record(lane.clone(), change).await;
    Ok(())
}

async fn examine(lane: &Lane, shared: &Shared, id: &ObjectId, mut event: ObjectEvent) -> Result<Finding> {
    loop {
        let newest = shared.lookup.newest(lane, id).await?;
        match lane.decider.decide(&event, newest.as_ref()) {
            Action::Unchanged => {
                remember(lane, id, &event, newest.as_ref());
                return Ok(Finding::Unchanged);
            }
            Action::Delete(proof) => return Ok(Finding::Vanished(change(lane, id, &event, "", What::Deleted(proof)))),
            Action::Release => return Ok(Finding::Vanished(change(lane, id, &event, "", What::Released))),
            Action::Hash => {
                if let ObjectEvent::Present { at, body: Some(held) } = &event {
                    return Ok(hash(lane, shared, id, at.clone(), held.bytes.clone(), newest).await);
                }
            }
            Action::Get => {}
        }
        // The body was let go, or only a GET tells.
        lane.stats.reread.add(1);
        let current = match shared.lookup.current(lane, id).await {
            Ok(current) => current,
            Err(error) => {
                lane.low_water(LowWater::invalidate);
                return Ok(Finding::Failed(Failure::from(&error)));
            }
        };
        event = match current {
            None => ObjectEvent::Gone { at: event.at().clone(), proof: Proof::NotFound },
            Some(Current { observed, selected: false }) => ObjectEvent::Unselected { at: observed.resource_version },
            Some(Current { observed, selected: true }) => {
                return Ok(hash(lane, shared, id, observed.resource_version, observed.body, newest).await);
            }
        };
    }
}

/// Makes the digest and compares it with the log's.
async fn hash(
    lane: &Lane,
    shared: &Shared,
    id: &ObjectId,
    at: ResourceVersion,
    body: Bytes,
    newest: Option<Newest>,
) -> Finding {
    let prepared = shared.preparer.prepare(&lane.kind, body).await;
    lane.stats.hashed.add(1);
    let Prepared { uid, digest, canonical, extras } = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return Finding::Failed(error.into()),
    };
    let event = ObjectEvent::Present { at, body: None };
    if newest.as_ref().is_some_and(|n| n.state == RevisionState::Put && n.digest == digest) {
        remember(lane, id, &event, newest.as_ref());
        return Finding::Unchanged;
    }
    let what = What::Put { digest, body: canonical, extras: Box::new(extras) };
    Finding::Changed(change(lane, id, &event, &uid, what))
}

fn change(lane: &Lane, id: &ObjectId, event: &ObjectEvent, uid: &str, what: What) -> Change {
    Change {
        id: id.clone(),
        version: lane.kind.version.clone(),
        uid: uid.into(),
        resource_version: event.at().clone(),
        policy: lane.decider.policy.clone(),
        what,
    }
}

/// Remembers what left no trace in the log although it is newer than what the log has.
fn remember(lane: &Lane, id: &ObjectId, event: &ObjectEvent, newest: Option<&Newest>) {
    let traceless = match event {
        ObjectEvent::Present { at, .. } | ObjectEvent::Unselected { at } => {
            newest.is_none_or(|n| n.order.resource_version != *at)
        }
        ObjectEvent::Gone { .. } => true,
        ObjectEvent::Recheck { .. } => false,
    };
    if traceless {
        lane.tracker(|t| t.recent.note(id, event.at()));
    }
}
