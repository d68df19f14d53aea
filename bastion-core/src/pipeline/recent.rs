//! What was seen lately and found to need no record, so that a late writer cannot hide it.
//!
//! An event that changes nothing leaves no trace in the log. If another writer then commits an *older*
//! state of the same object (a slow `bastion backup` that listed it long ago), the order rule alone would take
//! that for the newest. So the pipeline remembers what it saw; when it learns of a foreign record older than
//! that, it reads the object again.

use std::collections::{BTreeMap, VecDeque};

use crate::object::{ObjectId, ResourceVersion};

/// How many objects are remembered: some 100 bytes each. What was forgotten is left to the next complete list.
const CAPACITY: usize = 8_192;

#[derive(Debug, Default)]
pub(crate) struct Recent {
    seen: BTreeMap<u128, (u64, u64)>,
    order: VecDeque<(u128, u64)>,
    turn: u64,
}

impl Recent {
    /// The object was seen at this resourceVersion, and nothing had to be written.
    pub(crate) fn note(&mut self, id: &ObjectId, at: &ResourceVersion) {
        let Some(rv) = at.number() else { return };
        let key = name_hash(id);
        self.turn += 1;
        self.seen.insert(key, (rv, self.turn));
        self.order.push_back((key, self.turn));
        while self.seen.len() > CAPACITY || self.order.len() > 2 * CAPACITY {
            let Some((key, turn)) = self.order.pop_front() else { break };
            // Older turns of a key that was seen again are only in the way.
            if self.seen.get(&key).is_some_and(|(_, last)| *last == turn) {
                self.seen.remove(&key);
            }
        }
    }

    /// Whether a later state of the object than `rv` was seen.
    pub(crate) fn saw_later_than(&self, id: &ObjectId, at: &ResourceVersion) -> bool {
        match (self.seen.get(&name_hash(id)), at.number()) {
            (Some((seen, _)), Some(at)) => *seen > at,
            _ => false,
        }
    }
}

/// 128 bits that stand for an object's name within its kind: 16 bytes instead of some hundred where a whole
/// kind's names must be remembered, and collisions cannot be provoked.
pub(crate) fn name_hash(id: &ObjectId) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(id.namespace.as_bytes());
    hasher.update(b"/");
    hasher.update(id.name.as_bytes());
    let mut first = [0; 16];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::GroupKind;

    fn id(n: usize) -> ObjectId {
        ObjectId::new(&GroupKind::new("", "ConfigMap"), "shop", format!("c{n}"))
    }

    #[test]
    fn an_older_foreign_record_is_noticed() {
        let mut recent = Recent::default();
        recent.note(&id(1), &10.into());
        assert!(recent.saw_later_than(&id(1), &7.into()));
        assert!(!recent.saw_later_than(&id(1), &10.into()));
        assert!(!recent.saw_later_than(&id(2), &7.into()));
    }

    #[test]
    fn memory_is_bounded_and_the_hot_ones_stay() {
        let mut recent = Recent::default();
        for n in 0..3 * CAPACITY {
            recent.note(&id(0), &(n as u64).into());
            recent.note(&id(n + 1), &1.into());
        }
        assert!(recent.seen.len() <= CAPACITY && recent.order.len() <= 2 * CAPACITY);
        assert!(recent.saw_later_than(&id(0), &5.into()));
        assert!(!recent.saw_later_than(&id(1), &0.into()));
    }
}
