//! The order rule: which of an object's states is the newest. Pure; writers and readers share it.

use std::cmp::Ordering;

use crate::record::{Newest, Version};

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

/// Brings all states of one object into order, newest first; a state that was recorded twice stands once.
///
/// `versions` come in any order, except that of two in one segment the later stands later.
pub(crate) fn arrange(mut versions: Vec<Version>) -> Vec<Version> {
    // Where one resourceVersion is no number they say nothing at all: log order decides. (Comparing only
    // those that are numbers would be no order: 5 < 7, but both "equal" x.)
    let numbers = versions.iter().all(|v| v.order.resource_version.number().is_some());
    versions.sort_by_key(|v| {
        let number = if numbers { v.order.resource_version.number() } else { None };
        (v.order.incarnation, number, v.segment)
    });
    let mut seen: Vec<Version> = Vec::with_capacity(versions.len());
    for version in versions {
        let same = |v: &&Version| v.order == version.order;
        let again = seen.iter().rev().take_while(same).any(|v| (v.state, v.digest) == (version.state, version.digest));
        if !again {
            seen.push(version);
        }
    }
    seen.reverse();
    seen
}

/// What the index keeps of a version.
pub(crate) fn newest_of(version: &Version) -> Newest {
    Newest {
        order: version.order.clone(),
        state: version.state,
        digest: version.digest,
        policy: version.policy.clone(),
    }
}
