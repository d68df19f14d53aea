//! Packs: bodies in bulk, with the records of these bodies. Segments and packs share one codec.

use std::sync::Arc;

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
    record::{BodyFile, Version},
    store::Key,
    time::Timestamp,
};

/// What a pack says beside its records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PackHeader {
    /// The cluster's name in the repository.
    pub(crate) cluster: Arc<str>,
    /// uid of namespace kube-system.
    pub(crate) cluster_uid: Arc<str>,
    /// Who wrote it.
    pub(crate) writer: Arc<str>,
    /// Features that a reader must know.
    pub(crate) features: Vec<String>,
    /// Not to be deleted before, where the store locks.
    pub(crate) retain_until: Option<Timestamp>,
}

/// A pack as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pack {
    /// What it says beside its records.
    pub(crate) header: PackHeader,
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
    /// Its records as versions of the log, but for those that the commit `dropped` (ascending numbers).
    pub(crate) fn versions<'a>(&'a self, commit: Origin, dropped: &'a [u32]) -> impl Iterator<Item = Version> + 'a {
        let kept = (0_u32..).zip(&self.records).filter(|(n, _)| dropped.binary_search(n).is_err());
        kept.map(move |(_, r)| contents::version(BodyFile::Pack(self.digest), &self.blocks, r, commit))
    }
}

/// Makes the bytes of a pack; the digest in the result is its name.
pub(crate) fn encode_pack(header: &PackHeader, contents: &Contents) -> Result<Sealed> {
    let proto = proto::PackHeader {
        common: Some(common_to(&Common {
            features: header.features.clone(),
            retain_until: header.retain_until,
            cluster: header.cluster.clone(),
            cluster_uid: header.cluster_uid.clone(),
            writer: header.writer.clone(),
        })),
        records: contents.record_count()?,
    };
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
        header: PackHeader {
            cluster: common.cluster,
            cluster_uid: common.cluster_uid,
            writer: common.writer,
            features: common.features,
            retain_until: common.retain_until,
        },
        records: read.records,
        blocks: read.blocks,
        digest: open.digest,
        size: bytes.len() as u64,
    })
}
