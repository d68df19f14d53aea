//! A list while it is read, and what is absent from it once it is complete.

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use futures::{Stream, StreamExt};

use crate::{
    error::Result,
    object::{ObjectId, ResourceVersion},
    pipeline::recent::name_hash,
    record::{Newest, Order, RevisionState},
    source::Coverage,
};

/// What a list has shown so far: 32 bytes an object, for as long as the list runs.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) coverage: Coverage,
    /// Whether a watch can resume from where the list ends: not so for a part that is listed beside a watch.
    pub(crate) is_base: bool,
    /// Names and resourceVersions; 0 where that is not a number.
    names: Vec<(u128, u64)>,
    /// How many of them were shown without their content and are still to be read.
    unread: usize,
}

/// With so many differences, or fewer than a share of what is there, a list without content is read on: each
/// difference costs a GET. Beyond both a list with content costs less.
const FEW_DIFFERENCES: usize = 64;
const SMALL_SHARE: usize = 8;

/// What the log has, or is about to have, and a complete list has not.
#[derive(Debug, Default)]
pub(crate) struct Absent {
    /// The objects: those of the log, then those on their way, each in the order of their ids.
    pub(crate) ids: Vec<ObjectId>,
    /// How many of them were recorded in an earlier incarnation.
    pub(crate) of_earlier_incarnation: u64,
    /// How many objects the log has where the list looked.
    pub(crate) of: u64,
    /// An object that the list shows in an older state than the log has for that time. No API server does that,
    /// unless its etcd was restored and has grown past the log's positions since.
    pub(crate) rewound: Option<ObjectId>,
}

impl Listing {
    pub(crate) fn new(coverage: Coverage, is_base: bool) -> Self {
        Self { coverage, is_base, names: Vec::new(), unread: 0 }
    }

    /// The list has shown this object, selected or not.
    pub(crate) fn note(&mut self, id: &ObjectId, at: &ResourceVersion) {
        self.names.push((name_hash(id), at.number().unwrap_or(0)));
    }

    /// One of the objects that it has shown without content is to be read; `false` if there are so many by now
    /// that a list with content costs less.
    pub(crate) fn may_read_one(&mut self) -> bool {
        self.unread += 1;
        self.unread <= FEW_DIFFERENCES.max(self.names.len() / SMALL_SHARE)
    }

    /// The list is complete.
    pub(crate) fn end(&mut self) {
        self.names.sort_unstable();
    }

    /// Compares the complete list, as of `at`, with everything that the log has of the kind, and with what is
    /// on its way there: objects with the resourceVersion at which they were seen to exist.
    pub(crate) async fn absent(
        &self,
        live: impl Stream<Item = Result<(ObjectId, Newest)>>,
        mut under_way: BTreeMap<ObjectId, Option<ResourceVersion>>,
        at: &Order,
        policy: &Arc<str>,
    ) -> Result<Absent> {
        let mut absent = Absent::default();
        let mut live = std::pin::pin!(live);
        while let Some(entry) = live.next().await {
            let (id, newest) = entry?;
            if newest.state != RevisionState::Deleted {
                under_way.remove(&id);
            }
            if absent.rewound.is_none() && self.shows_older(&id, &newest, at) {
                absent.rewound = Some(id.clone());
            }
            if !self.expects(&id, &newest, policy) {
                continue;
            }
            absent.of += 1;
            if newest.order.compare(at) == Ordering::Greater || !self.misses(&id) {
                continue;
            }
            absent.of_earlier_incarnation += u64::from(newest.order.incarnation < at.incarnation);
            absent.ids.push(id);
        }
        for (id, exists) in under_way {
            let Some(resource_version) = exists.filter(|_| self.covers(&id)) else { continue };
            absent.of += 1;
            let shown = Order { incarnation: at.incarnation, resource_version };
            if shown.compare(at) != Ordering::Greater && self.misses(&id) {
                absent.ids.push(id);
            }
        }
        Ok(absent)
    }

    /// Whether the complete list looked where the object would be and has not shown it.
    pub(crate) fn misses(&self, id: &ObjectId) -> bool {
        self.covers(id) && self.shown(id).is_none()
    }

    /// The resourceVersion at which the list shows the object.
    fn shown(&self, id: &ObjectId) -> Option<u64> {
        let name = name_hash(id);
        let found = self.names.binary_search_by_key(&name, |(name, _)| *name).ok()?;
        self.names.get(found).map(|(_, rv)| *rv)
    }

    fn shows_older(&self, id: &ObjectId, newest: &Newest, at: &Order) -> bool {
        // A release may carry the resourceVersion of the object's namespace.
        let (Some(rv), Some(end)) = (newest.order.resource_version.number(), at.resource_version.number()) else {
            return false;
        };
        newest.state != RevisionState::Released
            && newest.order.incarnation == at.incarnation
            && rv <= end
            && self.shown(id).is_some_and(|shown| 0 < shown && shown < rv)
    }

    fn covers(&self, id: &ObjectId) -> bool {
        self.coverage.namespaces.as_ref().is_none_or(|namespaces| namespaces.contains(&id.namespace))
    }

    /// Whether the list would have shown the object if it still existed.
    fn expects(&self, id: &ObjectId, newest: &Newest, policy: &Arc<str>) -> bool {
        // A server that filters shows only what the selection takes: of what other policies recorded, and of
        // what was released, it says nothing.
        let shown = !self.coverage.selector || (newest.state == RevisionState::Put && newest.policy == *policy);
        newest.state != RevisionState::Deleted && shown && self.covers(id)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use futures::{FutureExt, stream};

    use super::*;
    use crate::{hash::Digest, object::GroupKind};

    fn id(namespace: &str, n: usize) -> ObjectId {
        ObjectId::new(&GroupKind::new("", "ConfigMap"), namespace, format!("c{n}"))
    }

    fn newest(rv: u64, state: RevisionState, policy: &str) -> Newest {
        let order = Order { incarnation: 1, resource_version: rv.into() };
        Newest { order, state, digest: Digest::default(), policy: policy.into() }
    }

    fn names(
        coverage: Coverage,
        seen: &[ObjectId],
        log: Vec<(ObjectId, Newest)>,
        incarnation: u32,
    ) -> (Vec<String>, u64, u64) {
        let mut list = Listing::new(coverage, true);
        for id in seen {
            list.note(id, &9.into());
        }
        let at = Order { incarnation, resource_version: 50.into() };
        list.end();
        let live = stream::iter(log.into_iter().map(Ok));
        let absent = list.absent(live, BTreeMap::new(), &at, &"all".into()).now_or_never().unwrap().unwrap();
        (absent.ids.iter().map(ToString::to_string).collect(), absent.of, absent.of_earlier_incarnation)
    }

    #[test]
    fn absent_is_what_the_log_has_and_the_list_has_not() {
        let log = vec![
            (id("a", 1), newest(10, RevisionState::Put, "all")),
            (id("a", 2), newest(10, RevisionState::Put, "annotated")),
            (id("a", 3), newest(10, RevisionState::Deleted, "all")),
            (id("a", 4), newest(10, RevisionState::Released, "all")),
            (id("a", 5), newest(51, RevisionState::Put, "all")),
            (id("a", 6), newest(50, RevisionState::Put, "all")),
        ];
        let (ids, of, earlier) = names(Coverage::default(), &[id("a", 1)], log.clone(), 1);
        assert_eq!(ids, ["ConfigMap a/c2", "ConfigMap a/c4", "ConfigMap a/c6"]);
        assert_eq!((of, earlier), (5, 0));
        // In the next incarnation resourceVersions start anew: 51 of the old one is not newer than 50.
        let (ids, _, earlier) = names(Coverage::default(), &[id("a", 1)], log, 2);
        assert_eq!((ids.len(), earlier), (4, 4));
    }

    #[test]
    fn a_list_that_shows_older_states_than_the_log_has_is_of_another_incarnation() {
        let rewound = |log: Newest, shown: u64| {
            let mut list = Listing::new(Coverage::default(), true);
            list.note(&id("a", 1), &shown.into());
            list.end();
            let at = Order { incarnation: 1, resource_version: 50.into() };
            let live = stream::iter([Ok((id("a", 1), log))]);
            list.absent(live, BTreeMap::new(), &at, &"all".into()).now_or_never().unwrap().unwrap().rewound.is_some()
        };
        assert!(rewound(newest(10, RevisionState::Put, "all"), 9));
        assert!(rewound(newest(10, RevisionState::Deleted, "all"), 9));
        assert!(!rewound(newest(10, RevisionState::Put, "all"), 10));
        // Recorded after the list was made.
        assert!(!rewound(newest(51, RevisionState::Put, "all"), 9));
        assert!(!rewound(newest(10, RevisionState::Released, "all"), 9));
    }

    #[test]
    fn nothing_is_said_of_what_the_list_did_not_look_at() {
        let log = vec![
            (id("a", 1), newest(10, RevisionState::Put, "all")),
            (id("a", 2), newest(10, RevisionState::Put, "annotated")),
            (id("a", 4), newest(10, RevisionState::Released, "all")),
            (id("b", 1), newest(10, RevisionState::Put, "all")),
        ];
        let coverage = Coverage { namespaces: Some(vec!["a".into()]), selector: true };
        assert_eq!(names(coverage, &[], log, 1), (vec!["ConfigMap a/c1".into()], 1, 0));
    }
}
