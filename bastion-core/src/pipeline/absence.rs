//! What to do about objects that a complete list does not show.

use std::{collections::BTreeSet, sync::Arc};

use futures::{StreamExt, stream};

use crate::{
    error::Result,
    object::{GroupKind, Kind, ObjectId, Scope},
    pipeline::{
        lane::Lane,
        listing::{Absent, Listing},
        queue::Seen,
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

#[derive(Debug)]
pub(crate) enum Decision {
    /// These are gone (or, where the server filtered, to be asked for).
    Delete(Vec<ObjectId>),
    /// Too much at once.
    Withhold { withheld: Withheld, namespaces: BTreeSet<Arc<str>> },
    /// Nothing: this etcd was restored to an older state, as this object shows.
    Rewound(ObjectId),
}

/// Compares a complete list with the log, and asks the brake.
pub(crate) async fn decide(lane: &Arc<Lane>, mut list: Listing, at: &Order, suspicious: bool) -> Result<Decision> {
    let by_server = list.coverage.selector;
    list.end();
    // What is on its way into the log may not be in the index yet. Asked for before the index is, so that
    // nothing slips through between the two.
    let under_way = lane.tracker(|t| t.under_way());
    let compare = || list.absent(lane.ctx.index.live(&lane.group_kind), under_way.clone(), at, &lane.judge.policy);
    let absent = lane.patiently(compare).await?;
    if let Some(id) = absent.rewound {
        return Ok(Decision::Rewound(id));
    }
    let mut all = absent.ids.clone();
    all.extend(under_way.into_keys().filter(|id| list.misses(id)));
    if !is_too_much(lane, &absent, suspicious) {
        return Ok(Decision::Delete(all));
    }
    let unproven = unproven(lane, absent, by_server).await;
    if !is_too_much(lane, &unproven, suspicious) {
        return Ok(Decision::Delete(all));
    }
    Ok(withhold(lane, &unproven))
}

fn is_too_much(lane: &Lane, absent: &Absent, suspicious: bool) -> bool {
    let (_, accepted) = lane.withheld();
    let vanished = absent.ids.len() as u64;
    let of_former_life = suspicious && absent.of_earlier_life > accepted;
    of_former_life || lane.ctx.options.brake.withholds(vanished, absent.of, accepted)
}

/// Leaves out what is proven: objects of namespaces that are gone, and where the server filtered those that
/// exist and merely do not match any more.
async fn unproven(lane: &Arc<Lane>, absent: Absent, by_server: bool) -> Absent {
    let Absent { mut ids, of_earlier_life, of, .. } = absent;
    if lane.kind.scope == Scope::Namespaced {
        let mut gone = BTreeSet::new();
        for namespace in ids.iter().map(|id| id.namespace.clone()).collect::<BTreeSet<_>>() {
            if is_namespace_gone(lane, &namespace).await {
                gone.insert(namespace);
            }
        }
        ids.retain(|id| !gone.contains(&id.namespace));
    }
    if by_server {
        let asked = stream::iter(ids).map(|id| unless_it_exists(lane.clone(), id));
        ids = asked.buffered(AT_ONCE).filter_map(std::future::ready).collect().await;
    }
    Absent { of_earlier_life: of_earlier_life.min(ids.len() as u64), ids, of, rewound: None }
}

async fn unless_it_exists(lane: Arc<Lane>, id: ObjectId) -> Option<ObjectId> {
    let exists = matches!(lane.ctx.source.get(&lane.kind, &id).await, Ok(Some(_)));
    (!exists).then_some(id)
}

fn withhold(lane: &Lane, absent: &Absent) -> Decision {
    // What is withheld already stays the same withholding, so that a word for it stays good.
    let since = lane.withheld().0.map_or_else(|| lane.ctx.options.runtime.now(), |w| w.since);
    let withheld = Withheld {
        kind: lane.group_kind.clone(),
        policy: lane.judge.policy.clone(),
        count: absent.ids.len() as u64,
        of: absent.of,
        since,
        examples: absent.ids.iter().take(EXAMPLES).map(|id| name_of(id).into()).collect(),
    };
    let namespaces = absent.ids.iter().map(|id| id.namespace.clone()).filter(|n| !n.is_empty());
    Decision::Withhold {
        withheld,
        namespaces: namespaces.collect::<BTreeSet<_>>().into_iter().take(NAMESPACES).collect(),
    }
}

fn name_of(id: &ObjectId) -> String {
    if id.namespace.is_empty() { id.name.to_string() } else { format!("{}/{}", id.namespace, id.name) }
}

/// Whether the API server says that the namespace does not exist. No answer is no proof.
pub(crate) async fn is_namespace_gone(lane: &Lane, namespace: &Arc<str>) -> bool {
    let kind = builtin("", "v1", "Namespace", "namespaces");
    let id = ObjectId::new(&kind.group_kind(), "", namespace.clone());
    matches!(lane.ctx.source.get(&kind, &id).await, Ok(None))
}

/// Whether the API server says that the kind's CRD does not exist.
async fn is_crd_gone(lane: &Lane) -> bool {
    let kind = builtin("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions");
    let id = ObjectId::new(&kind.group_kind(), "", format!("{}.{}", lane.kind.plural, lane.kind.group));
    !lane.kind.group.is_empty() && matches!(lane.ctx.source.get(&kind, &id).await, Ok(None))
}

fn builtin(group: &str, version: &str, kind: &str, plural: &str) -> Kind {
    let GroupKind { group, kind } = GroupKind::new(group, kind);
    Kind { group, version: version.into(), kind, plural: plural.into(), scope: Scope::Cluster }
}

/// The kind is no longer served. With its CRD its objects are gone; without that proof history just stays.
pub(crate) async fn bury_kind(lane: &Arc<Lane>) -> Result<()> {
    if !is_crd_gone(lane).await {
        return Ok(());
    }
    let mut live = lane.ctx.index.live(&lane.group_kind);
    while let Some(entry) = live.next().await {
        let (id, newest) = entry?;
        if newest.state != RevisionState::Deleted && newest.order.incarnation == lane.judge.incarnation {
            // As of the state that is known: whatever is newer would survive.
            lane.offer(&id, Seen::Gone { at: newest.order.resource_version, proof: Proof::NotFound }).await;
        }
    }
    lane.withhold(None).await;
    Ok(())
}
