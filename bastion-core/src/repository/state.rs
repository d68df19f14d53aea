//! What a log says beside its records: a fold over segments. Pure.

use std::{collections::BTreeMap, sync::Arc};

use super::{Head, commit::Commit, format::Checkpoint};
use crate::{
    error::{Error, Result},
    object::GroupKind,
    record::{Acknowledgement, Position, Withheld},
    store::Key,
};

/// What stands after some segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LogState {
    pub(crate) head: Head,
    /// The highest epoch of each role.
    pub(crate) epochs: BTreeMap<Arc<str>, u64>,
    pub(crate) positions: BTreeMap<(Arc<str>, GroupKind), Position>,
    pub(crate) withheld: BTreeMap<(Arc<str>, GroupKind), Withheld>,
    /// Acknowledgements that were not acted upon yet.
    pub(crate) accepted: Vec<Acknowledgement>,
}

impl LogState {
    /// What stands after the segments that a checkpoint covers.
    pub(crate) fn from_checkpoint(c: &Checkpoint) -> Self {
        Self {
            head: Head {
                number: c.segment,
                digest: c.segment_digest,
                at: c.segment_at,
                incarnation: c.incarnation,
                cluster_uid: c.common.cluster_uid.to_string(),
            },
            epochs: c.epochs.clone(),
            positions: c.positions.iter().map(|p| ((p.policy.clone(), p.kind.clone()), p.clone())).collect(),
            withheld: c.withheld.iter().map(|w| ((w.policy.clone(), w.kind.clone()), w.clone())).collect(),
            accepted: c.accepted.clone(),
        }
    }

    /// Takes in the next segment, after checking that it is that.
    pub(crate) fn apply(&mut self, key: &Key, commit: &Commit) -> Result<()> {
        let header = &commit.header;
        let head = &self.head;
        if header.number != head.number + 1 || header.previous != head.digest {
            let why = format!("it does not follow segment {}: {}", head.number, head.digest);
            return Err(Error::Corrupt { key: key.clone(), why });
        }
        if header.incarnation > head.incarnation {
            // Positions are places in the life of an etcd that is over.
            self.positions.clear();
        }
        self.head = Head {
            number: header.number,
            digest: commit.digest,
            at: header.at.max(head.at),
            incarnation: header.incarnation.max(head.incarnation),
            cluster_uid: header.common.cluster_uid.to_string(),
        };
        if header.epoch > 0 {
            let epoch = self.epochs.entry(header.role.clone()).or_default();
            *epoch = header.epoch.max(*epoch);
        }
        let current = header.incarnation >= self.head.incarnation;
        for position in header.positions.iter().filter(|_| current) {
            self.positions.insert((position.policy.clone(), position.kind.clone()), position.clone());
        }
        for accepted in &header.accepted {
            if !self.accepted.contains(accepted) {
                self.accepted.push(accepted.clone());
            }
        }
        for withheld in &header.withheld {
            self.withhold(withheld);
        }
        Ok(())
    }

    fn withhold(&mut self, withheld: &Withheld) {
        let place = (withheld.policy.clone(), withheld.kind.clone());
        // A word was meant for one withholding; once that is over or another began it has been acted upon.
        let of_this = |a: &Acknowledgement| a.policy == withheld.policy && a.kind == withheld.kind;
        self.accepted.retain(|a| !of_this(a) || (withheld.count > 0 && a.since == withheld.since));
        if withheld.count == 0 {
            self.withheld.remove(&place);
        } else {
            self.withheld.insert(place, withheld.clone());
        }
    }

    /// Whether this position moves what is saved: another fingerprint, or further on.
    pub(crate) fn moves(&self, position: &Position) -> bool {
        let Some(known) = self.positions.get(&(position.policy.clone(), position.kind.clone())) else { return true };
        if known.fingerprint != position.fingerprint {
            return true;
        }
        match (known.resource_version.number(), position.resource_version.number()) {
            (Some(a), Some(b)) => a < b,
            _ => known.resource_version != position.resource_version,
        }
    }

    /// Whether this changes what is known to be withheld.
    pub(crate) fn changes_withheld(&self, withheld: &Withheld) -> bool {
        match self.withheld.get(&(withheld.policy.clone(), withheld.kind.clone())) {
            Some(known) => known != withheld,
            None => withheld.count > 0,
        }
    }
}
