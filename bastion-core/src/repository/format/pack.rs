//! Packs: bodies in bulk, with the records of these bodies. Segments and packs share one codec.

use prost::Message;

use super::{
    block::Span,
    contents::{self, Contents, Origin, Record},
    convert::{Common, common_from, common_to},
    corrupt,
    envelope::{self, FileType, Sealed},
    proto,
};
use crate::{
    error::Result,
    hash::Digest,
    record::{BodyFile, Revision},
    store::Key,
};

/// A pack as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pack {
    /// What it says beside its records.
    pub(crate) header: Common,
    /// Its records.
    pub(crate) records: Vec<Record>,
    /// The blocks of their bodies.
    pub(crate) blocks: Vec<Span>,
    /// SHA-256 of the file: its name.
    pub(crate) digest: Digest,
    /// Its size.
    pub(crate) size: u64,
}

impl Pack {
    /// Its records as revisions of the log, but for those that the commit `dropped` (ascending numbers).
    pub(crate) fn revisions<'a>(&'a self, commit: Origin, dropped: &'a [u32]) -> impl Iterator<Item = Revision> + 'a {
        let kept = (0_u32..).zip(&self.records).filter(|(n, _)| dropped.binary_search(n).is_err());
        kept.map(move |(_, r)| contents::revision(BodyFile::Pack(self.digest), &self.blocks, r, commit))
    }
}

/// Makes the bytes of a pack; the digest in the result is its name.
pub(crate) fn encode_pack(header: &Common, contents: &Contents) -> Result<Sealed> {
    let proto = proto::PackHeader { common: Some(common_to(header)), records: contents.record_count()? };
    let footer = contents.footer(proto::Directory::default())?;
    envelope::seal(FileType::Pack, &proto, contents.blocks.iter().map(|b| &*b.stored), &footer)
}

/// Reads a whole pack. Whether its digest is its name is the reader's to check.
pub(crate) fn decode_pack(key: &Key, bytes: &[u8]) -> Result<Pack> {
    let open = envelope::open(FileType::Pack, key, bytes)?;
    let h = proto::PackHeader::decode(open.header).map_err(|e| corrupt(key, format!("its header: {e}")))?;
    let read = contents::read_footer(key, &open.footer, open.payload, h.records)?;
    let common = common_from(key, h.common)?;
    Ok(Pack {
        header: common,
        records: read.records,
        blocks: read.blocks,
        digest: open.digest,
        size: bytes.len() as u64,
    })
}
