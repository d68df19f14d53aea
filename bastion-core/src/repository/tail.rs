//! What the log says since the last checkpoint, in memory.

use std::collections::BTreeMap;

use super::{
    commit::Commit,
    files::Range,
    format::{PackLive, SegmentRun},
};
use crate::{object::ObjectId, record::Revision};

/// The revisions of the segments after a checkpoint, by object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail {
    /// States of each object in the log's order.
    revisions: BTreeMap<ObjectId, Vec<Revision>>,
    entries: usize,
    files: Vec<(SegmentRun, Vec<PackLive>)>,
}

impl Tail {
    /// Takes in a commit.
    pub(crate) fn push(&mut self, commit: Commit) {
        self.entries += commit.revisions.len();
        self.files.push((commit.run, commit.packs));
        for revision in commit.revisions {
            // Most have one; a vector that grows by itself begins with room for four.
            self.revisions.entry(revision.id.clone()).or_insert_with(|| Vec::with_capacity(1)).push(revision);
        }
    }

    /// Forgets the segments up to `n`: a checkpoint covers them.
    pub(crate) fn forget(&mut self, n: u64) {
        self.revisions.retain(|_, revisions| {
            revisions.retain(|v| v.number > n);
            !revisions.is_empty()
        });
        self.entries = self.revisions.values().map(Vec::len).sum();
        self.files.retain(|(run, _)| run.last > n);
    }

    /// How many revisions there are.
    pub(crate) fn entries(&self) -> usize {
        self.entries
    }

    /// How many segments there are.
    pub(crate) fn segments(&self) -> usize {
        self.files.len()
    }

    /// What each segment and its packs hold.
    pub(crate) fn files(&self) -> &[(SegmentRun, Vec<PackLive>)] {
        &self.files
    }

    /// The states of an object, in the log's order.
    pub(crate) fn of(&self, id: &ObjectId) -> &[Revision] {
        self.revisions.get(id).map_or(&[], Vec::as_slice)
    }

    /// All objects with their states in the log's order, by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ObjectId, &Vec<Revision>)> {
        self.revisions.iter()
    }

    /// The revisions of these objects, by id.
    pub(crate) fn range(&self, range: &Range) -> Vec<Revision> {
        let from = self.revisions.range(range.start()..);
        let inside = from.take_while(|(id, _)| !range.is_before(id));
        inside.filter(|(id, _)| range.contains(id)).flat_map(|(_, v)| v).cloned().collect()
    }
}
