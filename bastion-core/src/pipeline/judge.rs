//! What an observation means, given the newest state that the log has. Pure.

use std::{
    cmp::Ordering,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use crate::{
    pipeline::queue::Seen,
    record::{Newest, Order, RevisionState},
    source::Proof,
};

/// Who judges.
#[derive(Debug)]
pub(crate) struct Judge {
    /// The policy that the observations belong to.
    pub(crate) policy: Arc<str>,
    /// The life of etcd that they come from.
    pub(crate) incarnation: u32,
    /// Whether the rules are those by which the log's newest states were made, so that an equal
    /// resourceVersion means an equal digest.
    pub(crate) same_rules: AtomicBool,
}

/// What to do about an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
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

impl Judge {
    /// The place of an observation in the order of states.
    pub(crate) fn order(&self, seen: &Seen) -> Order {
        Order { incarnation: self.incarnation, resource_version: seen.at().clone() }
    }

    pub(crate) fn judge(&self, seen: &Seen, newest: Option<&Newest>) -> Verdict {
        if matches!(seen, Seen::Look { .. }) {
            return Verdict::Get;
        }
        let ours = self.order(seen);
        let Some(newest) = newest else {
            return match seen {
                Seen::Object { .. } => Verdict::Hash,
                // What was never recorded needs neither tombstone nor release.
                _ => Verdict::Unchanged,
            };
        };
        if newest.order.compare(&ours) == Ordering::Greater {
            return Verdict::Unchanged;
        }
        match seen {
            Seen::Object { .. }
                if self.same_rules.load(Relaxed) && newest.state == RevisionState::Put && newest.order == ours =>
            {
                Verdict::Unchanged
            }
            Seen::Object { .. } => Verdict::Hash,
            Seen::Unselected { .. } if newest.state == RevisionState::Put && newest.policy == self.policy => {
                Verdict::Release
            }
            Seen::Unselected { .. } => Verdict::Unchanged,
            Seen::Gone { .. } if newest.state == RevisionState::Deleted => Verdict::Unchanged,
            Seen::Gone { proof: Proof::LeftSelection, .. } | Seen::Look { .. } => Verdict::Get,
            Seen::Gone { proof, .. } => Verdict::Delete(*proof),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Digest;

    fn judge() -> Judge {
        Judge { policy: "all".into(), incarnation: 2, same_rules: true.into() }
    }

    fn newest(incarnation: u32, rv: u64, state: RevisionState, policy: &str) -> Newest {
        let order = Order { incarnation, resource_version: rv.into() };
        Newest { order, state, digest: Digest::default(), policy: policy.into() }
    }

    fn object(rv: u64) -> Seen {
        Seen::Object { at: rv.into(), body: None }
    }

    fn gone(rv: u64, proof: Proof) -> Seen {
        Seen::Gone { at: rv.into(), proof }
    }

    #[test]
    fn an_older_state_never_buries_a_newer_one() {
        let put = newest(2, 10, RevisionState::Put, "all");
        for seen in [object(9), Seen::Unselected { at: 9.into() }, gone(9, Proof::Watched), gone(9, Proof::Absent)] {
            assert_eq!(judge().judge(&seen, Some(&put)), Verdict::Unchanged, "{seen:?}");
        }
    }

    #[test]
    fn an_equal_resource_version_is_trusted_only_under_the_same_rules() {
        let put = newest(2, 10, RevisionState::Put, "all");
        assert_eq!(judge().judge(&object(10), Some(&put)), Verdict::Unchanged);
        assert_eq!(Judge { same_rules: false.into(), ..judge() }.judge(&object(10), Some(&put)), Verdict::Hash);
        // Selected again through its namespace: its own resourceVersion has not moved.
        assert_eq!(judge().judge(&object(10), Some(&newest(2, 10, RevisionState::Released, "all"))), Verdict::Hash);
        // The same number in another life of etcd is another state.
        assert_eq!(judge().judge(&object(10), Some(&newest(1, 10, RevisionState::Put, "all"))), Verdict::Hash);
        assert_eq!(judge().judge(&object(10), Some(&newest(1, 900, RevisionState::Put, "all"))), Verdict::Hash);
    }

    #[test]
    fn only_the_own_policy_releases_and_any_may_delete() {
        let (own, other) = (newest(2, 10, RevisionState::Put, "all"), newest(2, 10, RevisionState::Put, "annotated"));
        let unselected = Seen::Unselected { at: 10.into() };
        assert_eq!(judge().judge(&unselected, Some(&own)), Verdict::Release);
        assert_eq!(judge().judge(&unselected, Some(&other)), Verdict::Unchanged);
        assert_eq!(judge().judge(&gone(11, Proof::Absent), Some(&other)), Verdict::Delete(Proof::Absent));
        let released = newest(2, 10, RevisionState::Released, "all");
        assert_eq!(judge().judge(&gone(11, Proof::Watched), Some(&released)), Verdict::Delete(Proof::Watched));
    }

    #[test]
    fn leaving_a_selection_proves_nothing_by_itself() {
        let own = newest(2, 10, RevisionState::Put, "all");
        assert_eq!(judge().judge(&gone(11, Proof::LeftSelection), Some(&own)), Verdict::Get);
        assert_eq!(judge().judge(&gone(11, Proof::LeftSelection), None), Verdict::Unchanged);
    }

    #[test]
    fn what_was_never_recorded_needs_no_tombstone() {
        assert_eq!(judge().judge(&gone(11, Proof::Watched), None), Verdict::Unchanged);
        let deleted = newest(2, 10, RevisionState::Deleted, "all");
        assert_eq!(judge().judge(&gone(11, Proof::Watched), Some(&deleted)), Verdict::Unchanged);
    }
}
