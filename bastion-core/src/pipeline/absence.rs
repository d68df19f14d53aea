//! What to do about objects that a complete list does not show.

use std::{collections::BTreeSet, sync::Arc};

use futures::{StreamExt, stream};

use crate::{
    error::Result,
    object::{GroupKind, Kind, ObjectId, Scope},
    pipeline::{
        event::ObjectEvent,
        kind::KindPipeline,
        listing::{Absent, Listing},
    },
    record::{Order, RevisionState, Withheld},
    source::Proof,
};

/// How many objects are asked for at the same time where the brake wants proof.
const AT_ONCE: usize = 8;
/// How many withheld deletions are named.
const EXAMPLES: usize = 10;
/// How many namespaces of withheld deletions are asked for again from time to time.
const NAMESPACES: usize = 256;

/// What the absence of objects from a complete list means.
#[derive(Debug)]
pub(crate) enum Absence {
    /// These are gone (or, where the server filtered, to be asked for).
    Delete(Vec<ObjectId>),
    /// Too much at once.
    Withhold { withheld: Withheld, namespaces: BTreeSet<Arc<str>> },
    /// Nothing: this etcd was restored to an older state, as this object shows.
    Rewound(ObjectId),
}

/// Compares a complete list with the log, and asks the brake.
pub(crate) async fn assess(
    pipeline: &KindPipeline,
    mut list: Listing,
    at: &Order,
    suspicious: bool,
) -> Result<Absence> {
    let KindPipeline { lane, shared } = pipeline;
    let by_server = list.coverage.selector;
    list.end();
    // What is on its way into the log may not be in the index yet. Asked for before the index is, so that
    // nothing slips through between the two.
    let under_way = lane.tracker(|t| t.under_way());
    let compare = || {
        let live = shared.lookup.index.live(lane.group_kind());
        list.absent(live, under_way.clone(), at, &lane.decider.policy)
    };
    let absent = shared.lookup.retrier.call(&lane.stats, compare).await?;
    if let Some(id) = absent.rewound {
        return Ok(Absence::Rewound(id));
    }
    let mut all = absent.ids.clone();
    all.extend(under_way.into_keys().filter(|id| list.misses(id)));
    if !is_too_much(pipeline, &absent, suspicious) {
        return Ok(Absence::Delete(all));
    }
    let unproven = unproven(pipeline, absent, by_server).await;
    if !is_too_much(pipeline, &unproven, suspicious) {
        return Ok(Absence::Delete(all));
    }
    Ok(withhold(pipeline, &unproven))
}

fn is_too_much(pipeline: &KindPipeline, absent: &Absent, suspicious: bool) -> bool {
    let acknowledged = pipeline.lane.acknowledged();
    let vanished = absent.ids.len() as u64;
    let of_former_incarnation = suspicious && absent.of_earlier_incarnation > acknowledged;
    of_former_incarnation || pipeline.shared.reader.brake.withholds(vanished, absent.of, acknowledged)
}

/// Leaves out what is proven: objects of namespaces that are gone, and where the server filtered those that
/// exist and merely do not match any more.
async fn unproven(pipeline: &KindPipeline, absent: Absent, by_server: bool) -> Absent {
    let Absent { mut ids, of_earlier_incarnation, of, .. } = absent;
    if pipeline.lane.kind.scope == Scope::Namespaced {
        let mut gone = BTreeSet::new();
        for namespace in ids.iter().map(|id| id.namespace.clone()).collect::<BTreeSet<_>>() {
            if is_namespace_gone(pipeline, &namespace).await {
                gone.insert(namespace);
            }
        }
        ids.retain(|id| !gone.contains(&id.namespace));
    }
    if by_server {
        let asked = stream::iter(ids).map(|id| unless_it_exists(pipeline.clone(), id));
        ids = asked.buffered(AT_ONCE).filter_map(std::future::ready).collect().await;
    }
    Absent { of_earlier_incarnation: of_earlier_incarnation.min(ids.len() as u64), ids, of, rewound: None }
}

async fn unless_it_exists(pipeline: KindPipeline, id: ObjectId) -> Option<ObjectId> {
    let exists = matches!(pipeline.shared.lookup.source.get(&pipeline.lane.kind, &id).await, Ok(Some(_)));
    (!exists).then_some(id)
}

fn withhold(pipeline: &KindPipeline, absent: &Absent) -> Absence {
    let KindPipeline { lane, shared } = pipeline;
    // What is withheld already stays the same withholding, so that an acknowledgement of it stays good.
    let since = lane.withheld().map_or_else(|| shared.runtime.now(), |w| w.since);
    let withheld = Withheld {
        kind: lane.group_kind().clone(),
        policy: lane.decider.policy.clone(),
        count: absent.ids.len() as u64,
        of: absent.of,
        since,
        examples: absent.ids.iter().take(EXAMPLES).map(|id| name_of(id).into()).collect(),
    };
    let namespaces = absent.ids.iter().map(|id| id.namespace.clone()).filter(|n| !n.is_empty());
    Absence::Withhold {
        withheld,
        namespaces: namespaces.collect::<BTreeSet<_>>().into_iter().take(NAMESPACES).collect(),
    }
}

fn name_of(id: &ObjectId) -> String {
    if id.namespace.is_empty() { id.name.to_string() } else { format!("{}/{}", id.namespace, id.name) }
}

/// Whether the API server says that the namespace does not exist. No answer is no proof.
pub(crate) async fn is_namespace_gone(pipeline: &KindPipeline, namespace: &Arc<str>) -> bool {
    let kind = builtin("", "v1", "Namespace", "namespaces");
    let id = ObjectId::new(&kind.group_kind(), "", namespace.clone());
    matches!(pipeline.shared.lookup.source.get(&kind, &id).await, Ok(None))
}

/// Whether the API server says that the kind's CRD does not exist.
async fn is_crd_gone(pipeline: &KindPipeline) -> bool {
    let served = &pipeline.lane.kind;
    let kind = builtin("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions");
    let id = ObjectId::new(&kind.group_kind(), "", format!("{}.{}", served.plural, served.group));
    !served.group.is_empty() && matches!(pipeline.shared.lookup.source.get(&kind, &id).await, Ok(None))
}

fn builtin(group: &str, version: &str, kind: &str, plural: &str) -> Kind {
    let GroupKind { group, kind } = GroupKind::new(group, kind);
    Kind { group, version: version.into(), kind, plural: plural.into(), scope: Scope::Cluster }
}

/// The kind is no longer served. With its CRD its objects are gone, and get their tombstones; without that proof
/// history just stays.
pub(crate) async fn tombstone_kind(pipeline: &KindPipeline) -> Result<()> {
    let KindPipeline { lane, shared } = pipeline;
    if !is_crd_gone(pipeline).await {
        return Ok(());
    }
    let mut live = shared.lookup.index.live(lane.group_kind());
    while let Some(entry) = live.next().await {
        let (id, newest) = entry?;
        if newest.state != RevisionState::Deleted && newest.order.incarnation == lane.decider.incarnation {
            // As of the state that is known: whatever is newer would survive.
            let gone = ObjectEvent::Gone { at: newest.order.resource_version, proof: Proof::NotFound };
            pipeline.enqueue(&id, gone).await;
        }
    }
    pipeline.withhold(None).await;
    Ok(())
}
