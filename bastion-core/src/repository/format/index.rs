//! Index files: which revision of which object lies where. Sorted blocks of entries, and a footer with the
//! first key of each block: a look-up is the footer and one range read.

use bytes::Bytes;
use prost::Message;

use super::{
    IndexRef,
    block::Span,
    convert::{Common, common_from, common_to},
    corrupt,
    envelope::{self, FileType, Sealed},
    index_block, proto,
};
use crate::{
    error::{Error, Result},
    object::{GroupKind, ObjectId},
    record::Revision,
    store::Key,
};

/// An index file is closed when it has this many bytes.
pub(crate) const MAX_INDEX_FILE: usize = 8 << 20;
/// Entries of a block, as long as they take no more than this before columns and compression.
const BLOCK_ENTRY_BYTES: usize = 64 << 10;

/// The two halves of an index file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The newest state of each object, as of the segments that the file covers: one entry an object,
    /// deletions included.
    Live,
    /// All states before.
    Past,
}

/// What an index file says beside its entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IndexHeader {
    /// What every header says.
    pub(crate) common: Common,
    /// First segment that it covers.
    pub(crate) first_segment: u64,
    /// Last segment that it covers.
    pub(crate) last_segment: u64,
}

/// A block of entries, as the footer has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexBlock {
    /// Id of its first entry.
    pub(crate) first: ObjectId,
    /// How many entries it has.
    pub(crate) entries: u32,
    /// Where it lies in the file.
    pub(crate) span: Span,
}

/// Where the blocks of an index file lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IndexFooter {
    /// Blocks of the live section, by id.
    pub(crate) live: Vec<IndexBlock>,
    /// Blocks of the past section, by id.
    pub(crate) past: Vec<IndexBlock>,
}

impl IndexFooter {
    /// The blocks of a section.
    pub(crate) fn section(&self, section: Section) -> &[IndexBlock] {
        match section {
            Section::Live => &self.live,
            Section::Past => &self.past,
        }
    }

    /// The blocks that can hold this object.
    pub(crate) fn blocks_of(&self, section: Section, id: &ObjectId) -> &[IndexBlock] {
        let blocks = self.section(section);
        // An id may begin in the block before the first whose key is not below it.
        let from = blocks.partition_point(|b| b.first < *id).saturating_sub(1);
        let to = blocks.partition_point(|b| b.first <= *id);
        &blocks[from.min(to)..to]
    }

    /// The blocks that can hold objects of this kind.
    pub(crate) fn blocks_of_kind(&self, section: Section, kind: &GroupKind) -> &[IndexBlock] {
        let blocks = self.section(section);
        let key = |b: &IndexBlock| (b.first.group.clone(), b.first.kind.clone());
        let wanted = (kind.group.clone(), kind.kind.clone());
        let from = blocks.partition_point(|b| key(b) < wanted).saturating_sub(1);
        let to = blocks.partition_point(|b| key(b) <= wanted);
        &blocks[from.min(to)..to]
    }
}

/// A whole index file as it was read; the entries are in its blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexFile {
    /// What it says beside its entries.
    pub(crate) header: IndexHeader,
    /// Where its blocks lie.
    pub(crate) footer: IndexFooter,
    /// As a checkpoint refers to it.
    pub(crate) reference: IndexRef,
}

/// Makes index files. Entries go in by id, and within an id newest first; where the writer is full, the
/// caller finishes it before the next id and begins another.
#[derive(Debug, Default)]
pub(crate) struct IndexWriter {
    live: SectionWriter,
    past: SectionWriter,
}

#[derive(Debug, Default)]
struct SectionWriter {
    open: Vec<Revision>,
    open_bytes: usize,
    blocks: Vec<(IndexBlock, Bytes)>,
    stored: usize,
    last: Option<ObjectId>,
    entries: u64,
}

impl IndexWriter {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds an entry. One whose id lies before that of the section's last one is refused.
    pub(crate) fn push(&mut self, section: Section, revision: Revision) -> Result<()> {
        match section {
            Section::Live => self.live.push(revision),
            Section::Past => self.past.push(revision),
        }
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.live.entries + self.past.entries == 0
    }

    /// Whether it should be finished before the next id: another block in each section might make the file
    /// too large.
    pub(crate) fn is_full(&self) -> bool {
        self.live.stored + self.past.stored + 2 * BLOCK_ENTRY_BYTES + (64 << 10) > MAX_INDEX_FILE
    }

    /// Makes the bytes of the file, and what a checkpoint says of it.
    pub(crate) fn finish(mut self, header: &IndexHeader) -> Result<(Sealed, IndexRef)> {
        self.live.close()?;
        self.past.close()?;
        let proto = proto::IndexHeader {
            common: Some(common_to(&header.common)),
            first_segment: header.first_segment,
            last_segment: header.last_segment,
        };
        let mut start = 0;
        let mut footer = proto::IndexFooter { payload_start: envelope::payload_start(&proto), ..Default::default() };
        footer.live = self.live.directory(&mut start);
        footer.past = self.past.directory(&mut start);
        let payload = self.live.blocks.iter().chain(&self.past.blocks).map(|(_, stored)| &**stored);
        let sealed = envelope::seal(FileType::Index, &proto, payload, &footer.encode_to_vec())?;
        let reference = IndexRef {
            name: sealed.digest,
            size: sealed.bytes.len() as u64,
            footer: sealed.footer,
            first_segment: header.first_segment,
            last_segment: header.last_segment,
            live: self.live.entries,
            past: self.past.entries,
        };
        Ok((sealed, reference))
    }
}

impl SectionWriter {
    fn push(&mut self, revision: Revision) -> Result<()> {
        if self.last.as_ref().is_some_and(|last| *last > revision.id) {
            return Err(Error::Invalid(format!("cannot add {} to an index file after a later object", revision.id)));
        }
        // What an entry takes in columns, roughly.
        self.open_bytes += 100 + revision.id.name.len();
        self.last = Some(revision.id.clone());
        self.entries += 1;
        self.open.push(revision);
        if self.open_bytes >= BLOCK_ENTRY_BYTES { self.close() } else { Ok(()) }
    }

    fn close(&mut self) -> Result<()> {
        let open = std::mem::take(&mut self.open);
        self.open_bytes = 0;
        let Some(first) = open.first() else { return Ok(()) };
        let block = index_block::encode(&open)?;
        self.stored += block.stored.len();
        // `start` follows when the header is known; lengths were checked by `encode`.
        let len = u32::try_from(block.stored.len()).unwrap_or(u32::MAX);
        let entries = u32::try_from(open.len()).unwrap_or(u32::MAX);
        let block_ref = IndexBlock { first: first.id.clone(), entries, span: Span { start: 0, len, raw: block.raw } };
        self.blocks.push((block_ref, block.stored));
        Ok(())
    }

    fn directory(&self, start: &mut u64) -> Vec<proto::IndexBlock> {
        let refs = self.blocks.iter().map(|(block, _)| {
            let span = proto::Span { start: *start, len: block.span.len, raw: block.span.raw };
            *start += u64::from(block.span.len);
            proto::IndexBlock {
                span: Some(span),
                entries: block.entries,
                group: block.first.group.to_string(),
                kind: block.first.kind.to_string(),
                namespace: block.first.namespace.to_string(),
                name: block.first.name.to_string(),
            }
        });
        refs.collect()
    }
}

/// Reads a whole index file and checks that its blocks lie inside and in order. Whether its digest is its
/// name is the reader's to check.
pub(crate) fn decode_index(key: &Key, bytes: &[u8]) -> Result<IndexFile> {
    let open = envelope::open(FileType::Index, key, bytes)?;
    let h = proto::IndexHeader::decode(open.header).map_err(|e| corrupt(key, format!("its header: {e}")))?;
    let footer = footer_from(key, &open.footer)?;
    let common = common_from(key, h.common)?;
    let inside =
        |b: &IndexBlock| b.span.start >= open.payload.start as u64 && b.span.range().end <= open.payload.end as u64;
    if !footer.live.iter().chain(&footer.past).all(inside) {
        return Err(corrupt(key, "one of its blocks is out of bounds"));
    }
    let count = |blocks: &[IndexBlock]| blocks.iter().map(|b| u64::from(b.entries)).sum();
    let reference = IndexRef {
        name: open.digest,
        size: bytes.len() as u64,
        footer: open.footer_span,
        first_segment: h.first_segment,
        last_segment: h.last_segment,
        live: count(&footer.live),
        past: count(&footer.past),
    };
    let header = IndexHeader { common, first_segment: h.first_segment, last_segment: h.last_segment };
    Ok(IndexFile { header, footer, reference })
}

/// Reads a footer that was fetched by [`IndexRef::footer`]'s range.
pub(crate) fn decode_index_footer(key: &Key, stored: &[u8], raw: u32) -> Result<IndexFooter> {
    footer_from(key, &envelope::decompress_footer(key, stored, raw)?)
}

fn footer_from(key: &Key, raw: &[u8]) -> Result<IndexFooter> {
    let footer = proto::IndexFooter::decode(raw).map_err(|e| corrupt(key, format!("its footer: {e}")))?;
    let section = |blocks: Vec<proto::IndexBlock>| -> Result<Vec<IndexBlock>> {
        let blocks = blocks.into_iter().map(|b| block_from(key, b, footer.payload_start));
        let blocks = blocks.collect::<Result<Vec<_>>>()?;
        let sorted = blocks.is_sorted_by(|a, b| a.first <= b.first);
        if sorted { Ok(blocks) } else { Err(corrupt(key, "its blocks are not in order")) }
    };
    Ok(IndexFooter { live: section(footer.live)?, past: section(footer.past)? })
}

fn block_from(key: &Key, b: proto::IndexBlock, payload_start: u64) -> Result<IndexBlock> {
    let span = b.span.ok_or_else(|| corrupt(key, "one of its blocks has no location"))?;
    Ok(IndexBlock {
        first: ObjectId {
            group: b.group.into(),
            kind: b.kind.into(),
            namespace: b.namespace.into(),
            name: b.name.into(),
        },
        entries: b.entries,
        span: Span { start: span.start.saturating_add(payload_start), len: span.len, raw: span.raw },
    })
}
