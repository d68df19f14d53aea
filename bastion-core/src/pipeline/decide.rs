//! What to do about an event, given the newest state that the log has of the object. Pure.

use std::{
    cmp::Ordering,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use crate::{
    pipeline::event::ObjectEvent,
    record::{Newest, Order, RevisionState},
    source::Proof,
};

/// What decides beside the event itself.
#[derive(Debug)]
pub(crate) struct Decider {
    /// The policy that the events belong to.
    pub(crate) policy: Arc<str>,
    /// The incarnation that they come from.
    pub(crate) incarnation: u32,
    /// Whether the rules are those by which the log's newest states were made, so that an equal
    /// resourceVersion means an equal digest.
    pub(crate) same_rules: AtomicBool,
}

/// What to do about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing: the log has this, or something newer.
    Unchanged,
    /// Make its digest and compare.
    Hash,
    /// Only a GET tells: it may be gone or merely not selected any more.
    Get,
    /// Record that it is gone.
    Delete(Proof),
    /// Record that this policy no longer selects it.
    Release,
}

impl Decider {
    /// The place of an event in the order of states.
    pub(crate) fn order(&self, event: &ObjectEvent) -> Order {
        Order { incarnation: self.incarnation, resource_version: event.at().clone() }
    }

    /// Decides over an event; `newest` is what the log has of the object.
    pub(crate) fn decide(&self, event: &ObjectEvent, newest: Option<&Newest>) -> Action {
        if matches!(event, ObjectEvent::Recheck { .. }) {
            return Action::Get;
        }
        let ours = self.order(event);
        let Some(newest) = newest else {
            return match event {
                ObjectEvent::Present { .. } => Action::Hash,
                // What was never recorded needs neither tombstone nor release.
                _ => Action::Unchanged,
            };
        };
        if newest.order.compare(&ours) == Ordering::Greater {
            return Action::Unchanged;
        }
        match event {
            ObjectEvent::Present { .. }
                if self.same_rules.load(Relaxed) && newest.state == RevisionState::Put && newest.order == ours =>
            {
                Action::Unchanged
            }
            ObjectEvent::Present { .. } => Action::Hash,
            ObjectEvent::Unselected { .. } if newest.state == RevisionState::Put && newest.policy == self.policy => {
                Action::Release
            }
            ObjectEvent::Unselected { .. } => Action::Unchanged,
            ObjectEvent::Gone { .. } if newest.state == RevisionState::Deleted => Action::Unchanged,
            ObjectEvent::Gone { proof: Proof::LeftSelection, .. } | ObjectEvent::Recheck { .. } => Action::Get,
            ObjectEvent::Gone { proof, .. } => Action::Delete(*proof),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Digest;

    fn decider() -> Decider {
        Decider { policy: "all".into(), incarnation: 2, same_rules: true.into() }
    }

    fn newest(incarnation: u32, rv: u64, state: RevisionState, policy: &str) -> Newest {
        let order = Order { incarnation, resource_version: rv.into() };
        Newest { order, state, digest: Digest::default(), policy: policy.into() }
    }

    fn object(rv: u64) -> ObjectEvent {
        ObjectEvent::Present { at: rv.into(), body: None }
    }

    fn gone(rv: u64, proof: Proof) -> ObjectEvent {
        ObjectEvent::Gone { at: rv.into(), proof }
    }

    #[test]
    fn an_older_state_never_replaces_a_newer_one() {
        let put = newest(2, 10, RevisionState::Put, "all");
        for event in
            [object(9), ObjectEvent::Unselected { at: 9.into() }, gone(9, Proof::Watched), gone(9, Proof::Absent)]
        {
            assert_eq!(decider().decide(&event, Some(&put)), Action::Unchanged, "{event:?}");
        }
    }

    #[test]
    fn an_equal_resource_version_is_trusted_only_under_the_same_rules() {
        let put = newest(2, 10, RevisionState::Put, "all");
        assert_eq!(decider().decide(&object(10), Some(&put)), Action::Unchanged);
        assert_eq!(Decider { same_rules: false.into(), ..decider() }.decide(&object(10), Some(&put)), Action::Hash);
        // Selected again through its namespace: its own resourceVersion has not moved.
        assert_eq!(decider().decide(&object(10), Some(&newest(2, 10, RevisionState::Released, "all"))), Action::Hash);
        // The same number in another incarnation is another state.
        assert_eq!(decider().decide(&object(10), Some(&newest(1, 10, RevisionState::Put, "all"))), Action::Hash);
        assert_eq!(decider().decide(&object(10), Some(&newest(1, 900, RevisionState::Put, "all"))), Action::Hash);
    }

    #[test]
    fn only_the_own_policy_releases_and_any_may_delete() {
        let (own, other) = (newest(2, 10, RevisionState::Put, "all"), newest(2, 10, RevisionState::Put, "annotated"));
        let unselected = ObjectEvent::Unselected { at: 10.into() };
        assert_eq!(decider().decide(&unselected, Some(&own)), Action::Release);
        assert_eq!(decider().decide(&unselected, Some(&other)), Action::Unchanged);
        assert_eq!(decider().decide(&gone(11, Proof::Absent), Some(&other)), Action::Delete(Proof::Absent));
        let released = newest(2, 10, RevisionState::Released, "all");
        assert_eq!(decider().decide(&gone(11, Proof::Watched), Some(&released)), Action::Delete(Proof::Watched));
    }

    #[test]
    fn leaving_a_selection_proves_nothing_by_itself() {
        let own = newest(2, 10, RevisionState::Put, "all");
        assert_eq!(decider().decide(&gone(11, Proof::LeftSelection), Some(&own)), Action::Get);
        assert_eq!(decider().decide(&gone(11, Proof::LeftSelection), None), Action::Unchanged);
    }

    #[test]
    fn what_was_never_recorded_needs_no_tombstone() {
        assert_eq!(decider().decide(&gone(11, Proof::Watched), None), Action::Unchanged);
        let deleted = newest(2, 10, RevisionState::Deleted, "all");
        assert_eq!(decider().decide(&gone(11, Proof::Watched), Some(&deleted)), Action::Unchanged);
    }
}
