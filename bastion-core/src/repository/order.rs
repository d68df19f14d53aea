//! The order rule: which of an object's states is the newest. Pure; writers and readers share it.

use std::cmp::Ordering;

use crate::record::{Newest, Revision};

/// Whether a change still says something new, given the newest state that is known.
pub(crate) fn is_news(known: Option<&Newest>, ours: &Newest) -> bool {
    let Some(known) = known else { return true };
    match ours.order.compare(&known.order) {
        Ordering::Less => false,
        // A tie is settled by the place in the log, and ours would come later; but the same state again is
        // no news, whoever saw it.
        Ordering::Equal | Ordering::Greater => (ours.state, ours.digest) != (known.state, known.digest),
    }
}

/// Whether a state that stands later in the log takes the place of the newest one that is known.
pub(crate) fn replaces(known: Option<&Newest>, later: &Newest) -> bool {
    let Some(known) = known else { return true };
    match later.order.compare(&known.order) {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal => (later.state, later.digest) != (known.state, known.digest) || later.order != known.order,
    }
}

/// Brings all states of one object into order, newest first; a state that was recorded twice in a row stands once.
///
/// `revisions` come in any order, except that of two in one segment the later stands later.
pub(crate) fn arrange(mut revisions: Vec<Revision>) -> Vec<Revision> {
    // Where one resourceVersion is not a number they say nothing at all: log order decides. (Comparing only
    // those that are numbers would be no order: 5 < 7, but both "equal" x.)
    let numbers = revisions.iter().all(|v| v.order.resource_version.number().is_some());
    revisions.sort_by_key(|v| {
        let number = if numbers { v.order.resource_version.number() } else { None };
        (v.order.incarnation, number, v.number)
    });
    // As for a writer (see `replaces`): only what stands directly before it makes a state a repetition. An
    // object that is selected, released and selected again at one resourceVersion is selected.
    revisions.dedup_by(|later, earlier| {
        later.order == earlier.order && (later.state, later.digest) == (earlier.state, earlier.digest)
    });
    revisions.reverse();
    revisions
}

/// What the index keeps of a revision.
pub(crate) fn newest_of(revision: &Revision) -> Newest {
    Newest {
        order: revision.order.clone(),
        state: revision.state,
        digest: revision.digest,
        policy: revision.policy.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        hash::Digest,
        object::{GroupKind, ObjectId, ResourceVersion},
        record::{Order, RevisionState},
        time::Timestamp,
    };

    /// A state by incarnation, resourceVersion, fate and body; all small, so that much is said twice.
    type Said = (u32, u8, u8);

    fn revision(segment: u64, (incarnation, rv, what): Said, numbers: bool) -> Revision {
        let (state, digest) = match what {
            0 => (RevisionState::Deleted, Digest::default()),
            1 => (RevisionState::Released, Digest::default()),
            body => (RevisionState::Put, Digest::of_file(&[body])),
        };
        let resource_version =
            if numbers { ResourceVersion::from(u64::from(rv)) } else { ResourceVersion::new(format!("v{rv}")) };
        Revision {
            id: ObjectId::new(&GroupKind::new("", "ConfigMap"), "shop", "a"),
            version: "v1".into(),
            uid: "u".into(),
            order: Order { incarnation, resource_version },
            number: segment,
            at: Timestamp::from_millis(0),
            state,
            digest,
            place: None,
            policy: Arc::from(format!("p{segment}")),
        }
    }

    fn states(said: &[Said]) -> Vec<RevisionState> {
        let revisions = (1..).zip(said).map(|(n, said)| revision(n, *said, true)).collect();
        arrange(revisions).iter().map(|v| v.state).collect()
    }

    #[test]
    fn what_goes_and_comes_back_at_one_resource_version_is_back() {
        use RevisionState::{Deleted, Put, Released};
        assert_eq!(states(&[(1, 5, 2), (1, 5, 1), (1, 5, 2)]), [Put, Released, Put]);
        assert_eq!(states(&[(1, 5, 2), (1, 5, 1), (1, 5, 2), (1, 5, 1)]), [Released, Put, Released, Put]);
        // But what two writers saw is one state, whatever came late in between.
        assert_eq!(states(&[(1, 5, 2), (1, 3, 0), (1, 5, 2)]), [Put, Deleted]);
    }

    proptest! {
        #[test]
        fn a_reader_finds_newest_what_a_writer_keeps(
            said in prop::collection::vec((1_u32..3, 0_u8..3, 0_u8..4), 1..12),
            numbers: bool,
        ) {
            let log: Vec<_> = (1..).zip(said).map(|(n, said)| revision(n, said, numbers)).collect();
            let mut kept: Option<Newest> = None;
            for later in log.iter().map(newest_of) {
                if replaces(kept.as_ref(), &later) {
                    kept = Some(later);
                }
            }
            let arranged = arrange(log.clone());
            prop_assert_eq!(arranged.first().map(newest_of), kept);
            // To arrange again what was arranged (and stored, newest first) changes nothing.
            prop_assert_eq!(&arrange(arranged.iter().rev().cloned().collect()), &arranged);
        }
    }
}
