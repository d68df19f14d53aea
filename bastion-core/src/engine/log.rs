//! What the log said when the run began, and where each kind begins because of it.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    object::{GroupKind, Kind, ResourceVersion},
    pipeline::{Beginning, Context, Judge, Lane},
    record::{Accepted, Position, Withheld},
    repository::Writer,
};

#[derive(Debug, Default)]
pub(super) struct Log {
    policy: Arc<str>,
    incarnation: u32,
    positions: BTreeMap<GroupKind, Position>,
    withheld: BTreeMap<GroupKind, Withheld>,
    accepted: Vec<Accepted>,
}

impl Log {
    pub(super) fn of(writer: &Writer, policy: &Arc<str>) -> Self {
        let positions = writer.positions().into_iter().filter(|p| p.policy == *policy);
        let withheld = writer.withheld().into_iter().filter(|w| w.policy == *policy);
        Self {
            policy: policy.clone(),
            incarnation: writer.head().incarnation.max(1),
            positions: positions.map(|p| (p.kind.clone(), p)).collect(),
            withheld: withheld.map(|w| (w.kind.clone(), w)).collect(),
            accepted: writer.accepted().into_iter().filter(|a| a.policy == *policy).collect(),
        }
    }

    /// Where a kind begins, and the resourceVersion below which the cluster cannot be.
    pub(super) fn beginning(&self, ctx: &Context, kind: Kind) -> (Beginning, Option<ResourceVersion>) {
        let name = kind.group_kind();
        let fingerprint = fingerprint(ctx, &kind);
        let saved = self.positions.get(&name);
        let same_rules = saved.is_some_and(|p| p.fingerprint == fingerprint);
        let withheld = self.withheld.get(&name).cloned();
        let accepted = withheld.as_ref().filter(|w| self.is_accepted(w)).map_or(0, |w| w.count);
        // Where deletions are withheld only a new list tells whether they still are to be.
        let from = saved.filter(|_| same_rules && withheld.is_none()).map(|p| p.resource_version.clone());
        let judge = Judge { policy: self.policy.clone(), incarnation: self.incarnation, same_rules: same_rules.into() };
        let floor = saved.map(|p| p.resource_version.clone());
        (Beginning { kind, judge, fingerprint, from, withheld, accepted }, floor)
    }

    fn is_accepted(&self, withheld: &Withheld) -> bool {
        self.accepted.iter().any(|a| a.kind == withheld.kind && a.since == withheld.since)
    }

    /// Whether no position was saved for the kind in this life of etcd.
    pub(super) fn is_silent_about(&self, kind: &GroupKind) -> bool {
        !self.positions.contains_key(kind)
    }

    /// A lane ended: should the kind come back, it goes on from there. An etcd that was restored meanwhile
    /// would not be noticed otherwise.
    pub(super) fn left(&mut self, lane: &Lane) {
        self.positions.extend(lane.position().map(|p| (p.kind.clone(), p)));
        match lane.withheld().0 {
            Some(withheld) => drop(self.withheld.insert(lane.group_kind.clone(), withheld)),
            None => drop(self.withheld.remove(&lane.group_kind)),
        }
    }

    /// A new life of etcd: positions are void.
    pub(super) fn begin_life(&mut self, incarnation: u32) {
        self.incarnation = incarnation;
        self.positions.clear();
        // What a person said of deletions was said of the former life.
        self.accepted.clear();
    }
}

/// Stands for everything that decides what an object's record looks like and whether there is one: where it
/// differs from the saved one, the kind is listed anew.
fn fingerprint(ctx: &Context, kind: &Kind) -> Arc<str> {
    let parts = [
        ctx.source.selection_fingerprint(),
        ctx.options.sanitizer.fingerprint().to_string(),
        ctx.hasher.algorithm().to_string(),
        kind.version.to_string(),
    ];
    let mut hasher = blake3::Hasher::new();
    for part in &parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..16].into()
}
