//! A commit as it was read: a segment with the records of its packs.

use super::format::{Fate, Pack, PackLive, Record, Segment, SegmentHeader, SegmentRun, Span};
use crate::{
    hash::Digest,
    record::{Extras, Revision, RevisionState},
};

/// A segment with the records of its packs, in the log's order.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) header: SegmentHeader,
    /// SHA-256 of the segment.
    pub(crate) digest: Digest,
    /// What became of objects.
    pub(crate) revisions: Vec<Revision>,
    /// What the segment itself holds.
    pub(crate) run: SegmentRun,
    /// What its packs hold.
    pub(crate) packs: Vec<PackLive>,
}

impl Commit {
    /// Puts a segment and its packs together.
    pub(crate) fn assemble(segment: &Segment, packs: &[Pack]) -> Self {
        let mut revisions = Vec::new();
        let mut lives = Vec::new();
        for (pack, name) in packs.iter().zip(&segment.header.packs) {
            let from = revisions.len();
            revisions.extend(pack.revisions(segment.origin(), &name.dropped));
            lives.push(PackLive {
                name: pack.digest,
                size: pack.size,
                raw: raw_len(&pack.blocks),
                live: live_len(&revisions[from..]),
            });
        }
        let from = revisions.len();
        revisions.extend(segment.revisions());
        let n = segment.header.number;
        Self {
            run: SegmentRun {
                first: n,
                last: n,
                size: segment.size,
                raw: raw_len(&segment.blocks),
                live: live_len(&revisions[from..]),
            },
            header: segment.header.clone(),
            digest: segment.digest,
            revisions,
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

fn live_len(revisions: &[Revision]) -> u64 {
    let puts = revisions.iter().filter(|v| v.state == RevisionState::Put);
    puts.filter_map(|v| v.place).map(|p| u64::from(p.len)).sum()
}
