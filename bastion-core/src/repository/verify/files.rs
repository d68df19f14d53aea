//! Checks of one file by itself: pure functions of its bytes.

use std::collections::BTreeSet;

use crate::{
    error::{Error, Result},
    hash::{Digest, Hasher},
    record::BodyFile,
    repository::format::{
        self, Checkpoint, Fate, IndexRef, Record, SegmentHeader, Span, decode_checkpoint, decode_index,
        decode_index_block, decode_pack, decode_segment,
    },
    store::Key,
};

/// What the rest of the repository needs to know of a segment.
pub(super) struct SegmentFacts {
    pub(super) header: SegmentHeader,
    pub(super) digest: Digest,
    pub(super) records: u64,
}

/// What the rest of the repository needs to know of a pack.
pub(super) struct PackFacts {
    pub(super) cluster: std::sync::Arc<str>,
    pub(super) records: u32,
    pub(super) size: u64,
}

/// What the rest of the repository needs to know of an index file.
pub(super) struct IndexFacts {
    pub(super) cluster: std::sync::Arc<str>,
    pub(super) reference: IndexRef,
    /// Packs that its entries lie in.
    pub(super) packs: BTreeSet<Digest>,
    /// The last segment that its entries lie in.
    pub(super) last_body: u64,
}

/// What the rest of the repository needs to know of a checkpoint.
pub(super) struct CheckpointFacts {
    pub(super) checkpoint: Checkpoint,
    pub(super) digest: Digest,
}

pub(super) fn segment(key: &Key, bytes: &[u8], hasher: &dyn Hasher) -> Result<SegmentFacts> {
    let segment = decode_segment(key, bytes)?;
    bodies(key, bytes, &segment.blocks, &segment.records, hasher)?;
    Ok(SegmentFacts { records: segment.records.len() as u64, digest: segment.digest, header: segment.header })
}

pub(super) fn pack(key: &Key, bytes: &[u8], name: Digest, hasher: &dyn Hasher) -> Result<PackFacts> {
    let pack = decode_pack(key, bytes)?;
    named(key, name, pack.digest)?;
    bodies(key, bytes, &pack.blocks, &pack.records, hasher)?;
    let records = u32::try_from(pack.records.len()).unwrap_or(u32::MAX);
    Ok(PackFacts { cluster: pack.header.cluster, records, size: pack.size })
}

pub(super) fn index(key: &Key, bytes: &[u8], name: Digest) -> Result<IndexFacts> {
    let file = decode_index(key, bytes)?;
    named(key, name, file.reference.name)?;
    let mut facts = IndexFacts {
        cluster: file.header.common.cluster,
        reference: file.reference,
        packs: BTreeSet::new(),
        last_body: 0,
    };
    for (blocks, live) in [(&file.footer.live, true), (&file.footer.past, false)] {
        let mut last = None;
        for block in blocks {
            let revisions = decode_index_block(key, slice(key, bytes, &block.span)?, block)?;
            for revision in revisions {
                match revision.place.map(|p| p.file) {
                    Some(BodyFile::Pack(name)) => drop(facts.packs.insert(name)),
                    Some(BodyFile::Segment(n)) => facts.last_body = facts.last_body.max(n),
                    None => {}
                }
                let in_order = last.as_ref().is_none_or(|l| if live { *l < revision.id } else { *l <= revision.id });
                if !in_order {
                    return Err(damaged(key, format!("{} is not where its id belongs", revision.id)));
                }
                last = Some(revision.id);
            }
        }
    }
    Ok(facts)
}

pub(super) fn checkpoint(key: &Key, bytes: &[u8]) -> Result<CheckpointFacts> {
    Ok(CheckpointFacts { checkpoint: decode_checkpoint(key, bytes)?, digest: Digest::of_file(bytes) })
}

/// Compares each body with the digest that its record names, a block at a time.
fn bodies(key: &Key, bytes: &[u8], blocks: &[Span], records: &[Record], hasher: &dyn Hasher) -> Result<()> {
    let mut puts: Vec<_> = records
        .iter()
        .filter_map(|r| if let Fate::Put { digest, body, .. } = &r.fate { Some((body, digest, &r.id)) } else { None })
        .collect();
    puts.sort_by_key(|(body, ..)| (body.block, body.offset));
    let mut wanted = puts.into_iter().peekable();
    for (number, span) in (0_u32..).zip(blocks) {
        // Also a block that no record needs any more must be what was written.
        let block = format::decompress(key, slice(key, bytes, span)?, span.raw)?;
        while let Some((body, digest, id)) = wanted.next_if(|(body, ..)| body.block == number) {
            let (start, len) = (body.offset as usize, body.len as usize);
            let content = block.get(start..start.saturating_add(len)).unwrap_or_default();
            if hasher.digest(content) != *digest {
                return Err(damaged(key, format!("the content of {id} does not match its digest")));
            }
        }
    }
    Ok(())
}

fn slice<'a>(key: &Key, bytes: &'a [u8], span: &Span) -> Result<&'a [u8]> {
    let range = span.range();
    let range = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
    range.and_then(|(a, b)| bytes.get(a..b)).ok_or_else(|| damaged(key, "one of its blocks is out of bounds"))
}

fn named(key: &Key, name: Digest, digest: Digest) -> Result<()> {
    if name == digest { Ok(()) } else { Err(damaged(key, format!("its SHA-256 is {digest}, not its name"))) }
}

fn damaged(key: &Key, why: impl Into<String>) -> Error {
    Error::Corrupt { key: key.clone(), why: why.into() }
}
