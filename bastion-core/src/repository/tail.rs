//! What the log says since the last checkpoint, in memory.

use std::collections::BTreeMap;

use super::{
    commit::Commit,
    files::Range,
    format::{PackLive, SegmentRun},
};
use crate::{object::ObjectId, record::Version};

/// The versions of the segments after a checkpoint, by object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail {
    /// States of each object in the log's order.
    versions: BTreeMap<ObjectId, Vec<Version>>,
    entries: usize,
    files: Vec<(SegmentRun, Vec<PackLive>)>,
}

impl Tail {
    /// Takes in a commit.
    pub(crate) fn push(&mut self, commit: Commit) {
        self.entries += commit.versions.len();
        self.files.push((commit.run, commit.packs));
        for version in commit.versions {
            // Most have one; a vector that grows by itself begins with room for four.
            self.versions.entry(version.id.clone()).or_insert_with(|| Vec::with_capacity(1)).push(version);
        }
    }

    /// Forgets the segments up to `n`: a checkpoint covers them.
    pub(crate) fn forget(&mut self, n: u64) {
        self.versions.retain(|_, versions| {
            versions.retain(|v| v.segment > n);
            !versions.is_empty()
        });
        self.entries = self.versions.values().map(Vec::len).sum();
        self.files.retain(|(run, _)| run.last > n);
    }

    /// How many versions there are.
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
    pub(crate) fn of(&self, id: &ObjectId) -> &[Version] {
        self.versions.get(id).map_or(&[], Vec::as_slice)
    }

    /// All objects with their states in the log's order, by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ObjectId, &Vec<Version>)> {
        self.versions.iter()
    }

    /// The versions of these objects, by id.
    pub(crate) fn range(&self, range: &Range) -> Vec<Version> {
        let from = self.versions.range(range.start()..);
        let inside = from.take_while(|(id, _)| !range.is_before(id));
        inside.filter(|(id, _)| range.contains(id)).flat_map(|(_, v)| v).cloned().collect()
    }
}
