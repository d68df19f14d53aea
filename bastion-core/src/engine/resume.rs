//! What the log said when the run began, and where each kind starts because of it.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    object::{GroupKind, Kind, ResourceVersion},
    pipeline::{Decider, Lane, LaneStart, Shared},
    record::{Acknowledgement, Position, Withheld},
    repository::Writer,
};

#[derive(Debug, Default)]
pub(super) struct ResumeState {
    policy: Arc<str>,
    incarnation: u32,
    positions: BTreeMap<GroupKind, Position>,
    withheld: BTreeMap<GroupKind, Withheld>,
    acknowledgements: Vec<Acknowledgement>,
}

impl ResumeState {
    pub(super) fn in_log(writer: &Writer, policy: &Arc<str>) -> Self {
        let positions = writer.positions().into_iter().filter(|p| p.policy == *policy);
        let withheld = writer.withheld().into_iter().filter(|w| w.policy == *policy);
        Self {
            policy: policy.clone(),
            incarnation: writer.head().incarnation.max(1),
            positions: positions.map(|p| (p.kind.clone(), p)).collect(),
            withheld: withheld.map(|w| (w.kind.clone(), w)).collect(),
            acknowledgements: writer.acknowledgements().into_iter().filter(|a| a.policy == *policy).collect(),
        }
    }

    /// Where a kind starts, and the resourceVersion below which the cluster cannot be.
    pub(super) fn start(&self, shared: &Shared, kind: Kind) -> (LaneStart, Option<ResourceVersion>) {
        let name = kind.group_kind();
        let fingerprint = fingerprint(shared, &kind);
        let saved = self.positions.get(&name);
        let same_rules = saved.is_some_and(|p| p.fingerprint == fingerprint);
        let withheld = self.withheld.get(&name).cloned();
        let acknowledged = withheld.as_ref().filter(|w| self.is_acknowledged(w)).map_or(0, |w| w.count);
        // Where deletions are withheld only a new list tells whether they still are to be.
        let from = saved.filter(|_| same_rules && withheld.is_none()).map(|p| p.resource_version.clone());
        let decider =
            Decider { policy: self.policy.clone(), incarnation: self.incarnation, same_rules: same_rules.into() };
        let floor = saved.map(|p| p.resource_version.clone());
        (LaneStart { kind, decider, fingerprint, from, withheld, acknowledged }, floor)
    }

    fn is_acknowledged(&self, withheld: &Withheld) -> bool {
        self.acknowledgements.iter().any(|a| a.kind == withheld.kind && a.since == withheld.since)
    }

    /// Whether a position was saved for the kind in this incarnation.
    pub(super) fn has_position(&self, kind: &GroupKind) -> bool {
        self.positions.contains_key(kind)
    }

    /// A lane ended: should the kind come back, it goes on from there. An etcd that was restored meanwhile
    /// would not be noticed otherwise.
    pub(super) fn keep(&mut self, lane: &Lane) {
        self.positions.extend(lane.position().map(|p| (p.kind.clone(), p)));
        match lane.withheld() {
            Some(withheld) => drop(self.withheld.insert(lane.group_kind().clone(), withheld)),
            None => drop(self.withheld.remove(lane.group_kind())),
        }
    }

    /// A new incarnation: positions are void, and so is what was acknowledged in the former one.
    pub(super) fn begin_incarnation(&mut self, incarnation: u32) {
        self.incarnation = incarnation;
        self.positions.clear();
        self.acknowledgements.clear();
    }
}

/// Stands for everything that decides what an object's record looks like and whether there is one: where it
/// differs from the saved one, the kind is listed anew.
fn fingerprint(shared: &Shared, kind: &Kind) -> Arc<str> {
    let [sanitizer, hasher] = shared.preparer.fingerprints();
    let parts = [shared.lookup.source.selection_fingerprint(), sanitizer, hasher, kind.version.to_string()];
    let mut hasher = blake3::Hasher::new();
    for part in &parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..16].into()
}
