//! Up to where everything is durable or unchanged: the low-water mark of a kind.

use std::collections::{BTreeSet, VecDeque};

use crate::object::ResourceVersion;

/// Tracks what is admitted and what is settled, and knows the resourceVersion to resume from.
///
/// Every event gets a ticket when it enters the queue and gives it back when nothing of it can be lost
/// any more: it was unchanged, lies in the batch that is about to be committed (positions ride in the same
/// segment), an event of the same object waits under an earlier ticket, or it failed for good. A mark says
/// that everything up to a resourceVersion was seen; it takes effect once every ticket that was given out before
/// it is back.
#[derive(Debug, Default)]
pub(crate) struct LowWater {
    next: u64,
    open: BTreeSet<u64>,
    /// Marks that still wait for tickets below their number, ascending.
    marks: VecDeque<(u64, ResourceVersion)>,
    reached: Option<ResourceVersion>,
    /// The latest mark that came while a list was running.
    during_list: Option<ResourceVersion>,
    listing: bool,
    held: bool,
    invalid: bool,
}

impl LowWater {
    /// A low-water mark that starts at the saved position.
    pub(crate) fn starting_at(saved: Option<ResourceVersion>) -> Self {
        Self { reached: saved, ..Self::default() }
    }

    /// Gives out a ticket.
    pub(crate) fn admit(&mut self) -> u64 {
        let ticket = self.next;
        self.next += 1;
        self.open.insert(ticket);
        ticket
    }

    /// Takes a ticket back.
    pub(crate) fn settle(&mut self, ticket: u64) {
        if self.open.remove(&ticket) {
            self.advance();
        }
    }

    /// Everything up to here was seen by the stream. While a list is running the mark waits for its end.
    pub(crate) fn mark(&mut self, at: ResourceVersion) {
        if self.listing {
            self.during_list = Some(at);
            return;
        }
        // No open ticket between two marks: the older one says nothing any more.
        while let Some((number, _)) = self.marks.back() {
            if self.open.range(*number..).next().is_some() {
                break;
            }
            self.marks.pop_back();
        }
        self.marks.push_back((self.next, at));
        if self.marks.len() > 64 + 2 * self.open.len() {
            self.compact();
        }
        self.advance();
    }

    /// A list begins: no mark counts before it is complete.
    pub(crate) fn begin_list(&mut self) {
        self.listing = true;
    }

    /// The list was cut; the stream goes on from before it, or another list follows.
    pub(crate) fn cancel_list(&mut self) {
        self.listing = false;
        self.during_list = None;
    }

    /// The list is complete and what it implies was admitted. `at` is where to resume after it, where it
    /// covers everything that the stream follows.
    pub(crate) fn complete_list(&mut self, at: Option<ResourceVersion>) {
        self.listing = false;
        let later = self.during_list.take();
        if let Some(at) = at {
            self.mark(at);
        }
        if let Some(at) = later {
            self.mark(at);
        }
    }

    /// Deletions are withheld: the position must not pass them.
    pub(crate) fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Something was seen and could not be read in the end: no position may pass it any more.
    pub(crate) fn invalidate(&mut self) {
        self.invalid = true;
    }

    /// Where to resume, once what rides in the batch that is being sealed is durable. `None` while nothing
    /// was ever reached, or while deletions are withheld.
    pub(crate) fn position(&self) -> Option<&ResourceVersion> {
        if self.held || self.invalid { None } else { self.reached.as_ref() }
    }

    /// Whether every ticket is back.
    #[cfg(test)]
    pub(crate) fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    fn advance(&mut self) {
        let oldest = self.open.first().copied().unwrap_or(u64::MAX);
        while let Some((number, _)) = self.marks.front() {
            if *number > oldest {
                break;
            }
            if let Some((_, at)) = self.marks.pop_front() {
                // A source may repeat itself after a reconnect; a position never goes back by that.
                let back = match (at.number(), self.reached.as_ref().and_then(ResourceVersion::number)) {
                    (Some(new), Some(old)) => new < old,
                    _ => false,
                };
                if !back {
                    self.reached = Some(at);
                }
            }
        }
    }

    /// Drops marks that no open ticket tells apart: those of a busy kind would pile up while one object's ticket
    /// stays out.
    fn compact(&mut self) {
        let mut kept: VecDeque<(u64, ResourceVersion)> = VecDeque::new();
        for (number, at) in self.marks.drain(..) {
            if let Some((last, _)) = kept.back()
                && self.open.range(*last..number).next().is_none()
            {
                kept.pop_back();
            }
            kept.push_back((number, at));
        }
        self.marks = kept;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    fn at(low: &LowWater) -> Option<u64> {
        low.position().and_then(ResourceVersion::number)
    }

    #[test]
    fn a_slow_object_holds_the_position_back() {
        let mut low = LowWater::starting_at(Some(5.into()));
        let slow = low.admit();
        low.mark(10.into());
        let fast = low.admit();
        low.mark(11.into());
        low.settle(fast);
        assert_eq!(at(&low), Some(5));
        low.settle(slow);
        assert_eq!(at(&low), Some(11));
    }

    #[test]
    fn nothing_counts_before_a_list_is_complete_and_settled() {
        let mut low = LowWater::starting_at(None);
        low.begin_list();
        let a = low.admit();
        low.mark(90.into());
        low.settle(a);
        assert_eq!(at(&low), None);
        let b = low.admit();
        low.complete_list(Some(80.into()));
        assert_eq!(at(&low), None);
        low.settle(b);
        assert_eq!(at(&low), Some(90));
    }

    #[test]
    fn withheld_deletions_hold_the_position() {
        let mut low = LowWater::starting_at(Some(5.into()));
        low.hold(true);
        low.mark(9.into());
        assert_eq!(at(&low), None);
        low.hold(false);
        assert_eq!(at(&low), Some(9));
    }

    #[test]
    fn marks_of_a_hot_object_do_not_pile_up() {
        let mut low = LowWater::starting_at(None);
        let _never_settled = low.admit();
        let mut hot = low.admit();
        for rv in 1..100_000_u64 {
            let next = low.admit();
            low.settle(hot);
            hot = next;
            low.mark(rv.into());
        }
        assert!(low.marks.len() <= 64 + 2 * 2 + 1, "{} marks", low.marks.len());
    }

    proptest! {
        /// Against the definition: the last mark such that no ticket given out before it is open.
        #[test]
        fn agrees_with_its_definition(steps in prop::collection::vec(0..3u8, 1..300), picks in prop::collection::vec(any::<prop::sample::Index>(), 300)) {
            let mut low = LowWater::starting_at(None);
            let (mut open, mut marks, mut rv) = (Vec::new(), Vec::new(), 0_u64);
            let mut given = 0;
            for (step, pick) in steps.iter().zip(&picks) {
                match step {
                    0 => { open.push(low.admit()); given += 1; }
                    1 => { rv += 1; marks.push((given, rv)); low.mark(rv.into()); }
                    _ if !open.is_empty() => low.settle(open.swap_remove(pick.index(open.len()))),
                    _ => {}
                }
                let oldest = open.iter().min().copied().unwrap_or(u64::MAX);
                let expected = marks.iter().filter(|(n, _)| *n <= oldest).map(|(_, rv)| *rv).next_back();
                prop_assert_eq!(at(&low), expected);
                prop_assert_eq!(low.is_settled(), open.is_empty());
            }
        }
    }
}
