//! Segments: the commits of the log.

use std::sync::Arc;

use prost::Message;

use super::{
    block::Span,
    contents::{self, Contents, Origin, Record},
    convert::{
        Common, accepted_from, accepted_to, common_from, common_to, digest_from, position_from, position_to,
        withheld_from, withheld_to,
    },
    corrupt,
    envelope::{self, FileType, Sealed},
    proto,
};
use crate::{
    error::Result,
    hash::Digest,
    record::{Acknowledgement, BodyFile, Position, Revision, Withheld},
    store::Key,
    time::Timestamp,
};

/// What a commit says beside its records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// What every header says.
    pub(crate) common: Common,
    /// n = 1, 2, 3 … without a gap.
    pub(crate) number: u64,
    /// Which sort of writer.
    pub(crate) role: Arc<str>,
    /// Epoch of that role; 0 where the role has none.
    pub(crate) epoch: u64,
    /// Which life of which etcd the records are of, from 1 on.
    pub(crate) incarnation: u32,
    /// Time of the commit, never below the one before.
    pub(crate) at: Timestamp,
    /// SHA-256 of the segment before; zero for the first.
    pub(crate) previous: Digest,
    /// Positions that moved.
    pub(crate) positions: Vec<Position>,
    /// Withheld deletions that changed.
    pub(crate) withheld: Vec<Withheld>,
    /// Withheld deletions that somebody accepted.
    pub(crate) accepted: Vec<Acknowledgement>,
    /// Packs that this commit brings; their records come before its own.
    pub(crate) packs: Vec<PackRef>,
}

/// A pack that a commit brings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PackRef {
    /// SHA-256 of the file: its name.
    pub(crate) name: Digest,
    /// Its size.
    pub(crate) size: u64,
    /// How many records it has.
    pub(crate) records: u32,
    /// Numbers of those records, from 0 on and ascending, that a lost race for the segment's number made
    /// old: they are not part of the commit.
    pub(crate) dropped: Vec<u32>,
}

/// A segment as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// What the commit says beside its records.
    pub(crate) header: SegmentHeader,
    /// The records that ride in the segment itself.
    pub(crate) records: Vec<Record>,
    /// The blocks of their bodies.
    pub(crate) blocks: Vec<Span>,
    /// SHA-256 of the file: what the next segment calls `previous`.
    pub(crate) digest: Digest,
    /// Its size.
    pub(crate) size: u64,
}

impl Segment {
    /// The commit, as records of it or of its packs refer to it.
    pub(crate) fn origin(&self) -> Origin {
        self.header.origin()
    }

    /// Its own records as revisions of the log; those of its packs come before.
    pub(crate) fn revisions(&self) -> impl Iterator<Item = Revision> + '_ {
        let (file, commit) = (BodyFile::Segment(self.header.number), self.origin());
        self.records.iter().map(move |r| contents::revision(file, &self.blocks, r, commit))
    }
}

impl SegmentHeader {
    /// The commit, as records of it or of its packs refer to it.
    pub(crate) fn origin(&self) -> Origin {
        Origin { segment: self.number, at: self.at, incarnation: self.incarnation }
    }
}

/// Makes the bytes of a segment.
pub(crate) fn encode_segment(header: &SegmentHeader, contents: &Contents) -> Result<Sealed> {
    let directory = proto::Directory {
        blocks: Vec::new(),
        positions: header.positions.iter().map(position_to).collect(),
        withheld: header.withheld.iter().map(withheld_to).collect(),
        accepted: header.accepted.iter().map(accepted_to).collect(),
    };
    let proto = proto::SegmentHeader {
        common: Some(common_to(&header.common)),
        number: header.number,
        role: header.role.to_string(),
        epoch: header.epoch,
        incarnation: header.incarnation,
        at_ms: header.at.as_millis(),
        previous: header.previous.as_bytes().to_vec(),
        packs: header.packs.iter().map(pack_ref_to).collect(),
        records: contents.record_count()?,
    };
    let footer = contents.footer(directory)?;
    envelope::seal(FileType::Segment, &proto, contents.blocks.iter().map(|b| &*b.stored), &footer)
}

/// Reads a whole segment. Whether its number and `previous` fit is the reader's to check.
pub(crate) fn decode_segment(key: &Key, bytes: &[u8]) -> Result<Segment> {
    let open = envelope::open(FileType::Segment, key, bytes)?;
    let h = proto::SegmentHeader::decode(open.header).map_err(|e| corrupt(key, format!("its header: {e}")))?;
    let read = contents::read_footer(key, &open.footer, open.payload, h.records)?;
    let common = common_from(key, h.common)?;
    let header = SegmentHeader {
        common,
        number: h.number,
        role: h.role.into(),
        epoch: h.epoch,
        incarnation: h.incarnation,
        at: Timestamp::from_millis(h.at_ms),
        previous: digest_from(key, &h.previous)?,
        positions: read.directory.positions.into_iter().map(position_from).collect(),
        withheld: read.directory.withheld.into_iter().map(withheld_from).collect(),
        accepted: read.directory.accepted.into_iter().map(accepted_from).collect(),
        packs: h.packs.into_iter().map(|p| pack_ref_from(key, p)).collect::<Result<_>>()?,
    };
    if header.number == 0 {
        return Err(corrupt(key, "it has no number"));
    }
    Ok(Segment { header, records: read.records, blocks: read.blocks, digest: open.digest, size: bytes.len() as u64 })
}

fn pack_ref_to(p: &PackRef) -> proto::PackRef {
    proto::PackRef { name: p.name.as_bytes().to_vec(), size: p.size, records: p.records, dropped: p.dropped.clone() }
}

fn pack_ref_from(key: &Key, p: proto::PackRef) -> Result<PackRef> {
    let ascending = p.dropped.is_sorted_by(|a, b| a < b);
    if !ascending || p.dropped.last().is_some_and(|n| *n >= p.records) {
        return Err(corrupt(key, "it drops records of a pack that the pack does not have"));
    }
    Ok(PackRef { name: digest_from(key, &p.name)?, size: p.size, records: p.records, dropped: p.dropped })
}
