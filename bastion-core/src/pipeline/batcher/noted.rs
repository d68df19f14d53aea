//! What the log has noted of a policy beside records: positions, and deletions that are withheld.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    object::GroupKind,
    pipeline::kind::Pipelines,
    record::{Position, Withheld},
    repository::{CommitNotes, Writer},
};

#[derive(Debug)]
pub(super) struct Noted {
    positions: BTreeMap<GroupKind, Position>,
    withheld: BTreeMap<GroupKind, Withheld>,
}

impl Noted {
    pub(super) fn in_log(writer: &Writer, policy: &Arc<str>) -> Self {
        let positions = writer.positions().into_iter().filter(|p| p.policy == *policy);
        let withheld = writer.withheld().into_iter().filter(|w| w.policy == *policy);
        Self {
            positions: positions.map(|p| (p.kind.clone(), p)).collect(),
            withheld: withheld.map(|w| (w.kind.clone(), w)).collect(),
        }
    }

    /// Positions that moved and deletions that are withheld, or no longer, as against the log.
    pub(super) fn changes(&self, pipelines: &Pipelines) -> CommitNotes {
        let mut notes = CommitNotes::default();
        for pipeline in pipelines.all() {
            let lane = &pipeline.lane;
            let kind = lane.group_kind();
            notes.positions.extend(lane.position().filter(|p| self.positions.get(kind) != Some(p)));
            match (lane.withheld(), self.withheld.get(kind)) {
                (Some(now), before) if before != Some(&now) => notes.withheld.push(now),
                (None, Some(before)) => {
                    notes.withheld.push(Withheld { count: 0, of: 0, examples: Vec::new(), ..before.clone() });
                }
                _ => {}
            }
        }
        notes
    }

    /// These notes are durable.
    pub(super) fn update(&mut self, notes: CommitNotes) {
        self.positions.extend(notes.positions.into_iter().map(|p| (p.kind.clone(), p)));
        for withheld in notes.withheld {
            if withheld.count == 0 {
                self.withheld.remove(&withheld.kind);
            } else {
                self.withheld.insert(withheld.kind.clone(), withheld);
            }
        }
    }

    /// Positions of a former incarnation are void.
    pub(super) fn forget_positions(&mut self) {
        self.positions.clear();
    }
}
