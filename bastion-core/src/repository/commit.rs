//! A commit as it was read: a segment with the records of its packs.

use super::format::{Fate, Pack, PackLive, Record, Segment, SegmentHeader, SegmentRun, Span};
use crate::{
    hash::Digest,
    record::{Extras, State, Version},
};

/// A segment with the records of its packs, in the log's order.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) header: SegmentHeader,
    /// SHA-256 of the segment.
    pub(crate) digest: Digest,
    /// What became of objects.
    pub(crate) versions: Vec<Version>,
    /// What the segment itself holds.
    pub(crate) run: SegmentRun,
    /// What its packs hold.
    pub(crate) packs: Vec<PackLive>,
}

impl Commit {
    /// Puts a segment and its packs together.
    pub(crate) fn assemble(segment: &Segment, packs: &[Pack]) -> Self {
        let mut versions = Vec::new();
        let mut lives = Vec::new();
        for (pack, name) in packs.iter().zip(&segment.header.packs) {
            let from = versions.len();
            versions.extend(pack.versions(segment.origin(), &name.dropped));
            lives.push(PackLive {
                name: pack.digest,
                size: pack.size,
                raw: raw_len(&pack.blocks),
                live: live_len(&versions[from..]),
            });
        }
        let from = versions.len();
        versions.extend(segment.versions());
        let n = segment.header.number;
        Self {
            run: SegmentRun {
                first: n,
                last: n,
                size: segment.size,
                raw: raw_len(&segment.blocks),
                live: live_len(&versions[from..]),
            },
            header: segment.header.clone(),
            digest: segment.digest,
            versions,
            packs: lives,
        }
    }

    /// Bytes that were stored for it.
    pub(crate) fn stored(&self) -> u64 {
        self.run.size + self.packs.iter().map(|p| p.size).sum::<u64>()
    }
}

/// Drops what only [`super::Snapshot::extras`] asks for.
pub(crate) fn forget_extras(records: &mut [Record]) {
    for record in records {
        if let Fate::Put { extras, .. } = &mut record.fate {
            **extras = Extras::default();
        }
    }
}

fn raw_len(blocks: &[Span]) -> u64 {
    blocks.iter().map(|b| u64::from(b.raw)).sum()
}

fn live_len(versions: &[Version]) -> u64 {
    let puts = versions.iter().filter(|v| v.state == State::Put);
    puts.filter_map(|v| v.place).map(|p| u64::from(p.len)).sum()
}
