//! Checkpoints: where reading begins.

use std::{collections::BTreeMap, sync::Arc};

use prost::Message;

use super::{
    block::Span,
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
    record::{Acknowledgement, Position, Withheld},
    store::Key,
    time::Timestamp,
};

/// All that was true after a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// What every header says.
    pub(crate) common: Common,
    /// k = 1, 2, 3 …
    pub(crate) number: u64,
    /// SHA-256 of the newest checkpoint before that its writer could read; `None` where there was none.
    pub(crate) parent: Option<Digest>,
    /// When it was written.
    pub(crate) at: Timestamp,
    /// The last segment that it covers.
    pub(crate) segment: u64,
    /// That one's SHA-256.
    pub(crate) segment_digest: Digest,
    /// That one's time.
    pub(crate) segment_at: Timestamp,
    /// The highest incarnation so far.
    pub(crate) incarnation: u32,
    /// The highest epoch of each role.
    pub(crate) epochs: BTreeMap<Arc<str>, u64>,
    /// All positions of that incarnation.
    pub(crate) positions: Vec<Position>,
    /// All withheld deletions.
    pub(crate) withheld: Vec<Withheld>,
    /// Acknowledgements that were not yet acted upon.
    pub(crate) accepted: Vec<Acknowledgement>,
    /// The index files, oldest first: their ranges of segments follow one another without a gap, but for
    /// neighbours that share one range and split it by objects.
    pub(crate) indexes: Vec<IndexRef>,
    /// The packs that hold something live.
    pub(crate) packs: Vec<PackLive>,
    /// The segments that hold live bodies.
    pub(crate) segments: Vec<SegmentRun>,
    /// The retention that this checkpoint is the commit of.
    pub(crate) retention: Option<Retention>,
}

/// An index file as a checkpoint knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct IndexRef {
    /// SHA-256 of the file: its name.
    pub(crate) name: Digest,
    /// Its size.
    pub(crate) size: u64,
    /// Where its footer lies: one range read.
    pub(crate) footer: Span,
    /// First segment that it covers.
    pub(crate) first_segment: u64,
    /// Last segment that it covers.
    pub(crate) last_segment: u64,
    /// Entries in its live section.
    pub(crate) live: u64,
    /// Entries in its past section.
    pub(crate) past: u64,
}

/// A pack as a checkpoint knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PackLive {
    /// SHA-256 of the file: its name.
    pub(crate) name: Digest,
    /// Its size.
    pub(crate) size: u64,
    /// Bytes of all bodies in it, before compression.
    pub(crate) raw: u64,
    /// Bytes of those that an index file names, before compression.
    pub(crate) live: u64,
}

/// Neighbouring segments that hold live bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SegmentRun {
    /// The first.
    pub(crate) first: u64,
    /// The last.
    pub(crate) last: u64,
    /// Their sizes, added.
    pub(crate) size: u64,
    /// Bytes of all bodies in them, before compression.
    pub(crate) raw: u64,
    /// Bytes of those that an index file names, before compression.
    pub(crate) live: u64,
}

/// A retention that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Retention {
    /// The rules, as text.
    pub(crate) policy: Arc<str>,
    /// The moment for which they were evaluated.
    pub(crate) at: Timestamp,
    /// How many revisions it dropped.
    pub(crate) dropped: u64,
}

/// Makes the bytes of a checkpoint.
pub(crate) fn encode_checkpoint(c: &Checkpoint) -> Result<Sealed> {
    let header = proto::CheckpointHeader {
        common: Some(common_to(&c.common)),
        number: c.number,
        parent: c.parent.map(|d| d.as_bytes().to_vec()).unwrap_or_default(),
        at_ms: c.at.as_millis(),
    };
    let body = proto::Checkpoint {
        segment: c.segment,
        segment_digest: c.segment_digest.as_bytes().to_vec(),
        segment_at_ms: c.segment_at.as_millis(),
        incarnation: c.incarnation,
        epochs: c.epochs.iter().map(|(r, e)| proto::Epoch { role: r.to_string(), epoch: *e }).collect(),
        positions: c.positions.iter().map(position_to).collect(),
        withheld: c.withheld.iter().map(withheld_to).collect(),
        accepted: c.accepted.iter().map(accepted_to).collect(),
        indexes: c.indexes.iter().map(index_ref_to).collect(),
        packs: c.packs.iter().map(pack_live_to).collect(),
        segments: c.segments.iter().map(run_to).collect(),
        retention: c.retention.as_ref().map(|r| proto::Retention {
            policy: r.policy.to_string(),
            at_ms: r.at.as_millis(),
            dropped: r.dropped,
        }),
    };
    envelope::seal(FileType::Checkpoint, &header, std::iter::empty(), &body.encode_to_vec())
}

/// Reads a checkpoint.
pub(crate) fn decode_checkpoint(key: &Key, bytes: &[u8]) -> Result<Checkpoint> {
    let open = envelope::open(FileType::Checkpoint, key, bytes)?;
    let h = proto::CheckpointHeader::decode(open.header).map_err(|e| corrupt(key, format!("its header: {e}")))?;
    let c = proto::Checkpoint::decode(&*open.footer).map_err(|e| corrupt(key, format!("its body: {e}")))?;
    let common = common_from(key, h.common)?;
    Ok(Checkpoint {
        common,
        number: h.number,
        parent: if h.parent.is_empty() { None } else { Some(digest_from(key, &h.parent)?) },
        at: Timestamp::from_millis(h.at_ms),
        segment: c.segment,
        segment_digest: digest_from(key, &c.segment_digest)?,
        segment_at: Timestamp::from_millis(c.segment_at_ms),
        incarnation: c.incarnation,
        epochs: c.epochs.into_iter().map(|e| (e.role.into(), e.epoch)).collect(),
        positions: c.positions.into_iter().map(position_from).collect(),
        withheld: c.withheld.into_iter().map(withheld_from).collect(),
        accepted: c.accepted.into_iter().map(accepted_from).collect(),
        indexes: c.indexes.into_iter().map(|i| index_ref_from(key, &i)).collect::<Result<_>>()?,
        packs: c.packs.into_iter().map(|p| pack_live_from(key, &p)).collect::<Result<_>>()?,
        segments: c.segments.into_iter().map(run_from).collect(),
        retention: c.retention.map(|r| Retention {
            policy: r.policy.into(),
            at: Timestamp::from_millis(r.at_ms),
            dropped: r.dropped,
        }),
    })
}

fn index_ref_to(i: &IndexRef) -> proto::IndexRef {
    proto::IndexRef {
        name: i.name.as_bytes().to_vec(),
        size: i.size,
        footer: Some(proto::Span { start: i.footer.start, len: i.footer.len, raw: i.footer.raw }),
        first_segment: i.first_segment,
        last_segment: i.last_segment,
        live: i.live,
        past: i.past,
    }
}

fn index_ref_from(key: &Key, i: &proto::IndexRef) -> Result<IndexRef> {
    let footer = i.footer.ok_or_else(|| corrupt(key, "it does not say where the footer of an index file is"))?;
    Ok(IndexRef {
        name: digest_from(key, &i.name)?,
        size: i.size,
        footer: Span { start: footer.start, len: footer.len, raw: footer.raw },
        first_segment: i.first_segment,
        last_segment: i.last_segment,
        live: i.live,
        past: i.past,
    })
}

fn pack_live_to(p: &PackLive) -> proto::PackLive {
    proto::PackLive { name: p.name.as_bytes().to_vec(), size: p.size, raw: p.raw, live: p.live }
}

fn pack_live_from(key: &Key, p: &proto::PackLive) -> Result<PackLive> {
    Ok(PackLive { name: digest_from(key, &p.name)?, size: p.size, raw: p.raw, live: p.live })
}

fn run_to(r: &SegmentRun) -> proto::SegmentRun {
    proto::SegmentRun { first: r.first, last: r.last, size: r.size, raw: r.raw, live: r.live }
}

fn run_from(r: proto::SegmentRun) -> SegmentRun {
    SegmentRun { first: r.first, last: r.last, size: r.size, raw: r.raw, live: r.live }
}
