//! The coalescing queue: the latest event of each object, in the order in which objects first came.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use crate::{
    object::{ObjectId, ResourceVersion},
    pipeline::event::ObjectEvent,
};

/// An object that waits.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its ticket for the low-water mark.
    pub(crate) ticket: u64,
    /// When the oldest event that it stands for came.
    pub(crate) since: Duration,
    /// The latest event.
    pub(crate) event: ObjectEvent,
    turn: u64,
}

/// Objects that wait for a worker. An object that a worker or a batch has right now (busy) keeps its entry but
/// is not handed out before that is over, so the states of one object go into the log one after the other.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// A hash map: ids are long to compare, and their order is not needed.
    entries: HashMap<ObjectId, Entry>,
    turns: BTreeMap<u64, ObjectId>,
    next_turn: u64,
    bytes: usize,
}

impl Queue {
    /// Adds an event; `false` if something of that object waits already. The newer of both then waits in
    /// the place of the first and with its ticket: what was seen first is not durable before the newer is, and
    /// nothing says that a resumed watch would show that one again.
    pub(crate) fn push(&mut self, id: &ObjectId, ticket: u64, now: Duration, event: ObjectEvent, busy: bool) -> bool {
        if let Some(old) = self.entries.get_mut(id) {
            // A source may read an object beside its watch (a namespace re-evaluated) and find an older state.
            if !is_older(event.at(), old.event.at()) {
                self.bytes = self.bytes - old.event.bytes() + event.bytes();
                old.event = event;
            }
            return false;
        }
        let turn = self.next_turn;
        self.next_turn += 1;
        self.bytes += event.bytes();
        self.entries.insert(id.clone(), Entry { ticket, since: now, event, turn });
        if !busy {
            self.turns.insert(turn, id.clone());
        }
        true
    }

    /// The object whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<(ObjectId, Entry)> {
        let (_, id) = self.turns.pop_first()?;
        let (id, entry) = self.entries.remove_entry(&id)?;
        self.bytes -= entry.event.bytes();
        Some((id, entry))
    }

    /// The object is no longer busy: if something of it waits, it may be handed out.
    pub(crate) fn release(&mut self, id: &ObjectId) {
        if let Some((id, entry)) = self.entries.get_key_value(id) {
            self.turns.insert(entry.turn, id.clone());
        }
    }

    /// Whether something of the object waits.
    pub(crate) fn holds(&self, id: &ObjectId) -> bool {
        self.entries.contains_key(id)
    }

    /// The objects that wait, in no order, and the latest event of each.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ObjectId, &ObjectEvent)> {
        self.entries.iter().map(|(id, entry)| (id, &entry.event))
    }

    /// How many objects wait.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many of them can be handed out.
    pub(crate) fn ready(&self) -> usize {
        self.turns.len()
    }

    /// How many bytes their bodies hold.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

fn is_older(a: &ResourceVersion, b: &ResourceVersion) -> bool {
    matches!((a.number(), b.number()), (Some(a), Some(b)) if a.cmp(&b) == Ordering::Less)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::object::GroupKind;

    fn id(n: usize) -> ObjectId {
        ObjectId::new(&GroupKind::new("", "ConfigMap"), "shop", format!("c{n}"))
    }

    fn present(rv: u64) -> ObjectEvent {
        ObjectEvent::Present { at: rv.into(), body: None }
    }

    #[test]
    fn the_latest_state_waits_in_the_first_one_s_place() {
        let mut queue = Queue::default();
        let at = Duration::from_secs;
        assert!(queue.push(&id(1), 0, at(1), present(1), false));
        assert!(queue.push(&id(2), 1, at(2), present(2), false));
        assert!(!queue.push(&id(1), 2, at(3), present(3), false));
        assert!(!queue.push(&id(1), 3, at(4), present(2), false), "older than what waits");
        let (first, entry) = queue.pop().unwrap();
        assert_eq!((first, entry.ticket, entry.since, entry.event.at().number()), (id(1), 0, at(1), Some(3)));
        assert_eq!(queue.pop().unwrap().0, id(2));
        assert!(queue.pop().is_none());
    }

    #[test]
    fn a_busy_object_waits_until_it_is_released() {
        let mut queue = Queue::default();
        queue.push(&id(1), 0, Duration::ZERO, present(1), true);
        assert!(queue.pop().is_none());
        assert_eq!((queue.len(), queue.ready()), (1, 0));
        queue.release(&id(1));
        assert_eq!(queue.pop().unwrap().0, id(1));
        queue.release(&id(1));
        assert_eq!((queue.len(), queue.ready()), (0, 0));
    }

    proptest! {
        /// Whatever is pushed, each object comes out once, with the newest state that was pushed.
        #[test]
        fn hands_out_the_newest_of_each(pushes in prop::collection::vec((0..10usize, 0..20u64), 0..100)) {
            let mut queue = Queue::default();
            let mut newest = BTreeMap::new();
            for (n, rv) in pushes {
                queue.push(&id(n), 0, Duration::ZERO, present(rv), false);
                let best = newest.entry(id(n)).or_insert(rv);
                *best = (*best).max(rv);
            }
            prop_assert_eq!(queue.len(), newest.len());
            while let Some((id, entry)) = queue.pop() {
                prop_assert_eq!(newest.remove(&id), entry.event.at().number());
            }
            prop_assert!(newest.is_empty());
            prop_assert_eq!(queue.bytes(), 0);
        }
    }
}
