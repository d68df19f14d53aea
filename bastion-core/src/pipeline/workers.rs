//! What a worker does with an object: read, clean, hash, compare, hand over.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    error::{Result, chain},
    object::{ObjectId, ResourceVersion},
    pipeline::{
        context::{Record, ToBatcher},
        judge::Verdict,
        lane::Lane,
        prepare::{LARGE, Prepared, prepare},
        queue::Seen,
        state::Event,
        tracker::Job,
    },
    record::{Change, Newest, RevisionState, What},
    runtime::RuntimeExt,
    source::{Current, Proof},
};

/// Works until there is too little to do, or the lane ends.
pub(crate) async fn work(lane: Arc<Lane>) {
    while let Some(job) = lane.next_job().await {
        match lane.kill.clone().run_until_cancelled_owned(handle(&lane, job)).await {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                lane.ctx.fatal(error);
                break;
            }
            None => break,
        }
    }
    lane.worker_left();
}

/// What came out of looking at an object.
#[derive(Debug)]
enum Finding {
    Unchanged,
    Failed(String),
    /// It has another content.
    Changed(Change),
    /// It is gone or no longer selected.
    Vanished(Change),
}

async fn handle(lane: &Arc<Lane>, job: Job) -> Result<()> {
    let Job { id, seen } = job;
    let change = match examine(lane, &id, seen).await? {
        Finding::Unchanged => {
            lane.stats.unchanged.add(1);
            lane.step(&id, Event::Unchanged);
            return Ok(());
        }
        Finding::Failed(why) => {
            lane.failed(&id, why);
            lane.step(&id, Event::Failed);
            return Ok(());
        }
        Finding::Changed(change) => {
            lane.stats.changed.add(1);
            lane.step(&id, Event::Changed);
            change
        }
        Finding::Vanished(change) => {
            let deleted = change.what.state() == RevisionState::Deleted;
            if deleted { &lane.stats.deleted } else { &lane.stats.released }.add(1);
            lane.step(&id, Event::Vanished);
            change
        }
    };
    let bytes = body_len(&change);
    let Some(share) = lane.ctx.batch_room.take(bytes).await else { return Ok(()) };
    let record = Box::new(Record { lane: lane.clone(), change, share });
    // A batcher that is gone has said why itself.
    let _ = lane.ctx.to_batcher.send(ToBatcher::Record(record)).await;
    Ok(())
}

/// Bytes of the change's body.
pub(crate) fn body_len(change: &Change) -> usize {
    match &change.what {
        What::Put { body, .. } => body.len(),
        What::Deleted(_) | What::Released => 0,
    }
}

async fn examine(lane: &Lane, id: &ObjectId, mut seen: Seen) -> Result<Finding> {
    loop {
        let newest = lane.patiently(|| lane.ctx.index.newest(id)).await?;
        match lane.judge.judge(&seen, newest.as_ref()) {
            Verdict::Unchanged => {
                remember(lane, id, &seen, newest.as_ref());
                return Ok(Finding::Unchanged);
            }
            Verdict::Delete(proof) => return Ok(Finding::Vanished(change(lane, id, &seen, "", What::Deleted(proof)))),
            Verdict::Release => return Ok(Finding::Vanished(change(lane, id, &seen, "", What::Released))),
            Verdict::Hash => {
                if let Seen::Object { at, body: Some(held) } = &seen {
                    return hash(lane, id, at.clone(), held.bytes.clone(), newest).await;
                }
            }
            Verdict::Get => {}
        }
        // The body was let go, or only a GET tells.
        lane.stats.reread.add(1);
        let current = match lane.patiently(|| get(lane, id)).await {
            Ok(current) => current,
            Err(error) => {
                lane.tracker(|t| t.low.spoil());
                return Ok(Finding::Failed(chain(&error)));
            }
        };
        seen = match current {
            None => Seen::Gone { at: seen.at().clone(), proof: Proof::NotFound },
            Some(Current { observed, selected: false }) => Seen::Unselected { at: observed.resource_version },
            Some(Current { observed, selected: true }) => {
                return hash(lane, id, observed.resource_version, observed.body, newest).await;
            }
        };
    }
}

async fn get(lane: &Lane, id: &ObjectId) -> Result<Option<Current>> {
    Ok(lane.ctx.source.get(&lane.kind, id).await?)
}

/// Makes the digest and compares it with the log's.
async fn hash(lane: &Lane, id: &ObjectId, at: ResourceVersion, body: Bytes, newest: Option<Newest>) -> Result<Finding> {
    let prepared = {
        // Closed never; and without a turn it would merely be less fair.
        let _turn = lane.ctx.turns.acquire().await;
        prepare_in_turn(lane, body).await
    };
    lane.stats.hashed.add(1);
    let Prepared { uid, digest, canonical, extras } = match prepared {
        Ok(prepared) => prepared,
        Err(why) => return Ok(Finding::Failed(why)),
    };
    let seen = Seen::Object { at, body: None };
    if newest.as_ref().is_some_and(|n| n.state == RevisionState::Put && n.digest == digest) {
        remember(lane, id, &seen, newest.as_ref());
        return Ok(Finding::Unchanged);
    }
    let what = What::Put { digest, body: canonical, extras: Box::new(extras) };
    Ok(Finding::Changed(change(lane, id, &seen, &uid, what)))
}

async fn prepare_in_turn(lane: &Lane, body: Bytes) -> Result<Prepared, String> {
    let (sanitizer, hasher) = (lane.ctx.options.sanitizer.clone(), lane.ctx.hasher.clone());
    if body.len() <= LARGE {
        return prepare(&lane.kind, &body, &*sanitizer, &*hasher);
    }
    let kind = lane.kind.clone();
    lane.ctx.options.runtime.offloaded(move || prepare(&kind, &body, &*sanitizer, &*hasher)).await
}

fn change(lane: &Lane, id: &ObjectId, seen: &Seen, uid: &str, what: What) -> Change {
    Change {
        id: id.clone(),
        version: lane.kind.version.clone(),
        uid: uid.into(),
        resource_version: seen.at().clone(),
        policy: lane.judge.policy.clone(),
        what,
    }
}

/// Remembers what left no trace in the log although it is newer than what the log has.
fn remember(lane: &Lane, id: &ObjectId, seen: &Seen, newest: Option<&Newest>) {
    let traceless = match seen {
        Seen::Object { at, .. } | Seen::Unselected { at } => newest.is_none_or(|n| n.order.resource_version != *at),
        Seen::Gone { .. } => true,
        Seen::Look { .. } => false,
    };
    if traceless {
        lane.tracker(|t| t.recent.note(id, seen.at()));
    }
}

/// Another writer wrote the object's newest state. If this pipeline had seen a later one, it looks again.
pub(crate) async fn check_foreign(lane: &Arc<Lane>, id: &ObjectId) -> Result<()> {
    let newest = lane.patiently(|| lane.ctx.index.newest(id)).await?;
    let Some(newest) = newest else { return Ok(()) };
    let at = newest.order.resource_version;
    if lane.tracker(|t| t.recent.saw_later_than(id, &at)) {
        lane.offer_at_once(id, Seen::Look { at });
    }
    Ok(())
}
