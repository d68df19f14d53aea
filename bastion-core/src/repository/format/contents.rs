//! What segments and packs have in common: blocks of bodies, and the records that point into them.

use std::sync::Arc;

use prost::Message;

use super::{
    block::{Block, Span},
    convert::{Interner, record_from, record_to},
    corrupt, proto, too_large,
};
use crate::{
    error::{Error, Result},
    hash::Digest,
    object::{ObjectId, ResourceVersion},
    record::{BodyFile, Extras, Order, Place, Revision, RevisionState},
    source::Proof,
    store::Key,
    time::Timestamp,
};

/// What became of one object, as a file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Which object.
    pub(crate) id: ObjectId,
    /// The API version that it was read in (without the group).
    pub(crate) version: Arc<str>,
    /// Its uid; empty where unknown.
    pub(crate) uid: Arc<str>,
    /// resourceVersion of the state, or of what proves the deletion.
    pub(crate) resource_version: ResourceVersion,
    /// The policy that saw it.
    pub(crate) policy: Arc<str>,
    /// What became of it.
    pub(crate) fate: Fate,
    /// The commit that it came with, where that is not the one that this file belongs to: in packs that
    /// compaction made.
    pub(crate) origin: Option<Origin>,
}

/// What became of an object; a body is named by its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It exists with this content.
    Put {
        /// The repository's digest of the body.
        digest: Digest,
        /// Where the body lies in the file's blocks.
        body: BodyAt,
        /// What is kept beside the body.
        extras: Box<Extras>,
    },
    /// It was deleted.
    Deleted(Proof),
    /// It exists, but its policy no longer selects it.
    Released,
}

/// Where a body lies in the blocks of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct BodyAt {
    /// Number of the block, from 0 on.
    pub(crate) block: u32,
    /// Where the body starts in the decompressed block.
    pub(crate) offset: u32,
    /// Its length.
    pub(crate) len: u32,
}

/// The commit that a record came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Origin {
    /// Number of the segment.
    pub(crate) segment: u64,
    /// Its time.
    pub(crate) at: Timestamp,
    /// Its incarnation.
    pub(crate) incarnation: u32,
}

/// Blocks and records on their way into a segment or pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    /// The blocks, in order.
    pub(crate) blocks: Vec<Block>,
    /// The records, in the order in which they are to be read.
    pub(crate) records: Vec<Record>,
}

impl Contents {
    pub(super) fn footer(&self, mut directory: proto::Directory) -> Result<Vec<u8>> {
        let mut start = 0;
        for block in &self.blocks {
            let len = u32::try_from(block.stored.len()).map_err(|_| too_large("a block"))?;
            directory.blocks.push(proto::Span { start, len, raw: block.raw });
            start += u64::from(len);
        }
        let failed = |e: prost::EncodeError| Error::Invalid(format!("encoding records: {e}"));
        let mut out = Vec::new();
        directory.encode_length_delimited(&mut out).map_err(failed)?;
        for record in &self.records {
            record_to(record).encode_length_delimited(&mut out).map_err(failed)?;
        }
        Ok(out)
    }

    pub(super) fn record_count(&self) -> Result<u32> {
        u32::try_from(self.records.len()).map_err(|_| too_large("a list of records"))
    }
}

/// Blocks and records as they were read; spans are absolute.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) blocks: Vec<Span>,
    pub(super) records: Vec<Record>,
    pub(super) directory: proto::Directory,
}

/// Takes the footer of a segment or pack apart. Every span and every body is checked to lie inside.
pub(super) fn read_footer(key: &Key, mut footer: &[u8], payload: std::ops::Range<usize>, records: u32) -> Result<Read> {
    let bad = |e: prost::DecodeError| corrupt(key, format!("its directory: {e}"));
    let mut directory = proto::Directory::decode_length_delimited(&mut footer).map_err(bad)?;
    let mut blocks = Vec::new();
    for span in std::mem::take(&mut directory.blocks) {
        let start = span.start.saturating_add(payload.start as u64);
        let span = Span { start, len: span.len, raw: span.raw };
        if span.range().end > payload.end as u64 || span.raw > super::MAX_RAW_BLOCK {
            return Err(corrupt(key, "one of its blocks is out of bounds"));
        }
        blocks.push(span);
    }
    let mut interner = Interner::default();
    let mut out = Vec::new();
    while !footer.is_empty() {
        let record = proto::Record::decode_length_delimited(&mut footer)
            .map_err(|e| corrupt(key, format!("record {}: {e}", out.len())))?;
        let record = record_from(key, record, &mut interner)?;
        if let Fate::Put { body, .. } = &record.fate {
            let end = u64::from(body.offset) + u64::from(body.len);
            if blocks.get(body.block as usize).is_none_or(|b| end > u64::from(b.raw)) {
                return Err(corrupt(key, format!("the body of record {} is outside its block", out.len())));
            }
        }
        out.push(record);
    }
    if out.len() != records as usize {
        return Err(corrupt(key, format!("it has {} records instead of {records}", out.len())));
    }
    Ok(Read { blocks, records: out, directory })
}

/// Where the body of a record lies in the store; `None` unless the record is a put.
pub(super) fn place(file: BodyFile, blocks: &[Span], record: &Record) -> Option<Place> {
    let Fate::Put { body, .. } = &record.fate else { return None };
    let span = blocks.get(body.block as usize)?;
    Some(Place {
        file,
        block_start: span.start,
        block_len: span.len,
        block_raw: span.raw,
        offset: body.offset,
        len: body.len,
    })
}

/// The record as a revision of the log, given the commit that the file belongs to.
pub(super) fn revision(file: BodyFile, blocks: &[Span], record: &Record, commit: Origin) -> Revision {
    let origin = record.origin.unwrap_or(commit);
    let (state, digest) = match &record.fate {
        Fate::Put { digest, .. } => (RevisionState::Put, *digest),
        Fate::Deleted(_) => (RevisionState::Deleted, Digest::default()),
        Fate::Released => (RevisionState::Released, Digest::default()),
    };
    Revision {
        id: record.id.clone(),
        version: record.version.clone(),
        uid: record.uid.clone(),
        order: Order { incarnation: origin.incarnation, resource_version: record.resource_version.clone() },
        number: origin.segment,
        at: origin.at,
        state,
        digest,
        place: place(file, blocks, record),
        policy: record.policy.clone(),
    }
}
