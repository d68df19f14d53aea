//! One kind's objects between event and log, as plain data: the queue, what is being worked on, and the
//! low-water mark. Nothing here waits.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use crate::{
    object::{ObjectId, ResourceVersion},
    pipeline::{
        event::ObjectEvent,
        position::LowWater,
        queue::Queue,
        recent::Recent,
        state::{ObjectState, Transition},
        stats::KindStats,
    },
};

/// An object that a worker took up.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: ObjectId,
    pub(crate) event: ObjectEvent,
}

#[derive(Debug)]
struct Flight {
    state: ObjectState,
    ticket: u64,
    since: Duration,
    /// The resourceVersion at which it was seen to exist, if it was.
    exists: Option<ResourceVersion>,
}

#[derive(Debug)]
pub(crate) struct Tracker {
    queue: Queue,
    /// By hash, as the queue's.
    flight: HashMap<ObjectId, Flight>,
    pub(crate) low_water: LowWater,
    pub(crate) recent: Recent,
    /// (since, ticket) of everything that is queued or in flight.
    ages: BTreeSet<(Duration, u64)>,
    stats: Arc<KindStats>,
}

impl Tracker {
    pub(crate) fn new(saved: Option<ResourceVersion>, stats: Arc<KindStats>) -> Self {
        Self {
            queue: Queue::default(),
            flight: HashMap::new(),
            low_water: LowWater::starting_at(saved),
            recent: Recent::default(),
            ages: BTreeSet::new(),
            stats,
        }
    }

    /// Queues an event.
    pub(crate) fn offer(&mut self, id: &ObjectId, event: ObjectEvent, now: Duration) {
        let ticket = self.low_water.admit();
        let busy = self.flight.contains_key(id);
        if self.queue.push(id, ticket, now, event, busy) {
            self.ages.insert((now, ticket));
        } else {
            self.low_water.settle(ticket);
            self.stats.coalesced.add(1);
        }
        self.update_stats();
    }

    /// The object whose turn it is, now in state Hashed.
    pub(crate) fn take(&mut self) -> Option<Job> {
        let (id, entry) = self.queue.pop()?;
        let (state, exists) = (ObjectState::Idle, entry.event.exists().cloned());
        let flight = Flight { state, ticket: entry.ticket, since: entry.since, exists };
        self.flight.insert(id.clone(), flight);
        self.advance(&id, Transition::Taken);
        Some(Job { id, event: entry.event })
    }

    /// Moves an object on. When it is Idle again, what waits of it may be taken up. Returns since when it
    /// was unsaved, if this was its last step.
    pub(crate) fn advance(&mut self, id: &ObjectId, transition: Transition) -> Option<Duration> {
        let flight = self.flight.get_mut(id)?;
        let Some(next) = flight.state.next(transition) else {
            debug_assert!(false, "{id}: no way from {} by {transition:?}", flight.state);
            return None;
        };
        self.stats.moved(flight.state, next);
        flight.state = next;
        let mut done = None;
        if next == ObjectState::Idle
            && let Some(flight) = self.flight.remove(id)
        {
            self.low_water.settle(flight.ticket);
            self.ages.remove(&(flight.since, flight.ticket));
            self.queue.release(id);
            done = Some(flight.since);
        }
        self.update_stats();
        done
    }

    /// The object's record lies in the batch that is sealed now: the position that rides in the same segment
    /// may pass it.
    pub(crate) fn seal(&mut self, id: &ObjectId) {
        if let Some(flight) = self.flight.get(id) {
            self.low_water.settle(flight.ticket);
        }
    }

    /// How many objects wait, busy ones included.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Whether something of the object waits, so that another event takes no more room.
    pub(crate) fn holds(&self, id: &ObjectId) -> bool {
        self.queue.holds(id)
    }

    /// Whether something of the object waits or is in flight.
    pub(crate) fn is_under_way(&self, id: &ObjectId) -> bool {
        self.queue.holds(id) || self.flight.contains_key(id)
    }

    /// Everything that waits or is in flight, and where the latest of it says that the object exists, its
    /// resourceVersion.
    pub(crate) fn under_way(&self) -> BTreeMap<ObjectId, Option<ResourceVersion>> {
        let flight = self.flight.iter().map(|(id, f)| (id, f.exists.as_ref()));
        let queued = self.queue.iter().map(|(id, event)| (id, event.exists()));
        flight.chain(queued).map(|(id, exists)| (id.clone(), exists.cloned())).collect()
    }

    /// How many can be taken up.
    pub(crate) fn ready(&self) -> usize {
        self.queue.ready()
    }

    /// Whether nothing waits and nothing is in flight.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.len() == 0 && self.flight.is_empty()
    }

    fn update_stats(&self) {
        self.stats.queue_objects.set(self.queue.len() as u64);
        self.stats.queue_bytes.set(self.queue.bytes() as u64);
        self.stats.oldest_unsaved(self.ages.first().map(|(since, _)| *since));
    }
}

impl Drop for Tracker {
    /// What was under way when the pipeline was cut off is under way no more.
    fn drop(&mut self) {
        for flight in self.flight.values() {
            self.stats.moved(flight.state, ObjectState::Idle);
        }
        self.stats.queue_objects.set(0);
        self.stats.queue_bytes.set(0);
        self.stats.oldest_unsaved(None);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::object::GroupKind;

    fn tracker() -> Tracker {
        Tracker::new(None, Arc::default())
    }

    fn id(n: usize) -> ObjectId {
        ObjectId::new(&GroupKind::new("", "ConfigMap"), "shop", format!("c{n}"))
    }

    fn object(rv: u64) -> ObjectEvent {
        ObjectEvent::Present { at: rv.into(), body: None }
    }

    #[test]
    fn states_of_one_object_go_one_after_the_other() {
        let mut t = tracker();
        t.offer(&id(1), object(1), Duration::ZERO);
        let job = t.take().unwrap();
        t.offer(&id(1), object(2), Duration::from_secs(1));
        assert!(t.take().is_none(), "its first state is on its way");
        t.advance(&job.id, Transition::Changed);
        t.advance(&job.id, Transition::Written);
        assert!(t.take().is_none(), "not durable yet");
        assert_eq!(t.advance(&job.id, Transition::Committed), Some(Duration::ZERO));
        assert_eq!(t.take().unwrap().event.at().number(), Some(2));
    }

    #[test]
    fn the_position_rides_with_the_batch_and_age_waits_for_the_commit() {
        let mut t = tracker();
        t.offer(&id(1), object(7), Duration::from_secs(3));
        t.low_water.mark(7.into());
        let job = t.take().unwrap();
        t.advance(&job.id, Transition::Changed);
        t.advance(&job.id, Transition::Written);
        assert_eq!(t.low_water.position(), None);
        t.seal(&job.id);
        assert_eq!(t.low_water.position().unwrap().number(), Some(7));
        assert!(!t.is_idle());
        assert_eq!(t.ages.len(), 1);
        t.advance(&job.id, Transition::Committed);
        assert!(t.is_idle() && t.ages.is_empty());
    }

    #[test]
    fn a_replaced_event_stays_unsaved_since_the_first() {
        let mut t = tracker();
        t.offer(&id(1), object(1), Duration::from_secs(1));
        t.offer(&id(1), object(2), Duration::from_secs(9));
        assert_eq!(t.ages.first().unwrap().0, Duration::from_secs(1));
        let job = t.take().unwrap();
        assert_eq!(t.advance(&job.id, Transition::Unchanged), Some(Duration::from_secs(1)));
        assert!(t.ages.is_empty() && t.low_water.is_settled());
    }

    #[test]
    fn no_position_passes_what_waits_because_it_was_seen_again() {
        for again in [5, 9] {
            let mut t = tracker();
            t.offer(&id(1), object(5), Duration::ZERO);
            t.low_water.mark(5.into());
            t.offer(&id(1), object(again), Duration::ZERO);
            assert_eq!(t.low_water.position(), None, "again at {again}");
            let job = t.take().unwrap();
            t.advance(&job.id, Transition::Unchanged);
            assert_eq!(t.low_water.position().unwrap().number(), Some(5));
        }
    }
}
