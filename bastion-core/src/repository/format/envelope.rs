//! What every file has around its payload: magic, type, version, header in front; footer and SHA-256 behind.
//!
//! ```text
//! 0   7  "BASTION"            then: header (protobuf), payload (blocks), footer (a zstd frame), and
//! 7   1  file type            L-40  4  length of the footer as stored
//! 8   4  format version       L-36  4  length of the footer decompressed
//! 12  4  header length        L-32 32  SHA-256 of everything before
//! ```

use std::ops::Range;

use bytes::Bytes;
use prost::Message;
use sha2::Digest as _;

use super::{KNOWN_FEATURES, block, corrupt, proto, too_large};
use crate::{
    error::{Error, Result},
    hash::Digest,
    store::{Key, MAX_FILE},
};

/// The format that this version writes, and the newest that it reads.
pub(crate) const FORMAT_VERSION: u32 = 1;

const MAGIC: &[u8; 7] = b"BASTION";
/// Magic, type, version, header length.
pub(super) const PREFIX: usize = 16;
/// Both lengths of the footer, and the SHA-256.
pub(super) const TRAILER: usize = 40;
/// No footer is larger than this when decompressed: records of a full pack take a quarter of it.
const MAX_RAW_FOOTER: u32 = 32 << 20;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileType {
    Segment,
    Pack,
    Index,
    Checkpoint,
}

impl FileType {
    const fn byte(self) -> u8 {
        match self {
            Self::Segment => b'S',
            Self::Pack => b'P',
            Self::Index => b'I',
            Self::Checkpoint => b'C',
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Pack => "pack",
            Self::Index => "index file",
            Self::Checkpoint => "checkpoint",
        }
    }
}

/// A file ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// Its bytes.
    pub(crate) bytes: Bytes,
    /// SHA-256 of all of them: the name of a pack or index file, a link of the chain of segments.
    pub(crate) digest: Digest,
    /// Where the footer lies.
    pub(crate) footer: block::Span,
}

/// Where the payload starts, given the header.
pub(super) fn payload_start(header: &impl Message) -> u64 {
    (PREFIX + header.encoded_len()) as u64
}

/// Puts a file together.
pub(super) fn seal<'a>(
    file_type: FileType,
    header: &impl Message,
    payload: impl Iterator<Item = &'a [u8]>,
    footer: &[u8],
) -> Result<Sealed> {
    seal_encoded(file_type, &header.encode_to_vec(), payload, footer)
}

/// Puts a file together from a header's bytes.
pub(super) fn seal_encoded<'a>(
    file_type: FileType,
    header: &[u8],
    payload: impl Iterator<Item = &'a [u8]>,
    footer: &[u8],
) -> Result<Sealed> {
    let word = file_type.word();
    let stored_footer = block::compress(footer)?;
    let length = |n: usize| u32::try_from(n).map_err(|_| too_large(word));
    if footer.len() > MAX_RAW_FOOTER as usize {
        return Err(too_large(word));
    }
    let mut out = Vec::new();
    out.extend_from_slice(MAGIC);
    out.push(file_type.byte());
    out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    out.extend_from_slice(&length(header.len())?.to_le_bytes());
    out.extend_from_slice(header);
    payload.for_each(|p| out.extend_from_slice(p));
    let span = block::Span { start: out.len() as u64, len: length(stored_footer.len())?, raw: length(footer.len())? };
    out.extend_from_slice(&stored_footer);
    out.extend_from_slice(&span.len.to_le_bytes());
    out.extend_from_slice(&span.raw.to_le_bytes());
    if out.len() + 32 > MAX_FILE {
        return Err(too_large(word));
    }
    let mut hash = sha2::Sha256::new_with_prefix(&out);
    let inner: [u8; 32] = hash.clone().finalize().into();
    hash.update(inner);
    out.extend_from_slice(&inner);
    Ok(Sealed { bytes: out.into(), digest: Digest::new(hash.finalize().into()), footer: span })
}

/// A file taken apart, its SHA-256 checked.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    /// The header's protobuf.
    pub(super) header: &'a [u8],
    /// Where the payload lies.
    pub(super) payload: Range<usize>,
    /// The footer, decompressed.
    pub(super) footer: Vec<u8>,
    /// Where it lies.
    pub(super) footer_span: block::Span,
    /// SHA-256 of all bytes of the file.
    pub(super) digest: Digest,
}

/// Takes a whole file apart: checks its SHA-256, its type, its version and the features that it needs.
pub(super) fn open<'a>(file_type: FileType, key: &Key, bytes: &'a [u8]) -> Result<Opened<'a>> {
    if bytes.len() < PREFIX + TRAILER {
        return Err(corrupt(key, format!("{} bytes are too few for a {}", bytes.len(), file_type.word())));
    }
    let (covered, sum) = bytes.split_at(bytes.len() - 32);
    if !covered.starts_with(MAGIC) {
        return Err(corrupt(key, "it does not start like a Bastion file"));
    }
    let mut hash = sha2::Sha256::new_with_prefix(covered);
    if *sum != <[u8; 32]>::from(hash.clone().finalize()) {
        return Err(corrupt(key, "its bytes do not match the SHA-256 at its end"));
    }
    hash.update(sum);
    let digest = Digest::new(hash.finalize().into());

    let version = u32_at(covered, 8);
    if version > FORMAT_VERSION {
        return Err(Error::UnknownFeature { key: key.clone(), features: vec![format!("format version {version}")] });
    }
    if covered[7] != file_type.byte() {
        return Err(corrupt(key, format!("it is no {}", file_type.word())));
    }
    let beyond = || corrupt(key, "a length in it points beyond its end");
    let footer_end = covered.len() - 8;
    let (len, raw) = (u32_at(covered, footer_end), u32_at(covered, footer_end + 4));
    let header_end = PREFIX.checked_add(u32_at(covered, 12) as usize).ok_or_else(beyond)?;
    let footer_start = footer_end.checked_sub(len as usize).ok_or_else(beyond)?;
    if header_end > footer_start {
        return Err(beyond());
    }
    let header = &covered[PREFIX..header_end];
    check_features(key, header)?;
    Ok(Opened {
        header,
        payload: header_end..footer_start,
        footer: decompress_footer(key, &covered[footer_start..footer_end], raw)?,
        footer_span: block::Span { start: footer_start as u64, len, raw },
        digest,
    })
}

/// Decompresses a footer that was read by its range.
pub(super) fn decompress_footer(key: &Key, stored: &[u8], raw: u32) -> Result<Vec<u8>> {
    if raw > MAX_RAW_FOOTER {
        return Err(corrupt(key, format!("its footer claims {raw} bytes")));
    }
    block::decompress(key, stored, raw)
}

/// Refuses a file whose header lists a feature that is not known here.
fn check_features(key: &Key, header: &[u8]) -> Result<()> {
    let header = proto::AnyHeader::decode(header).map_err(|e| corrupt(key, format!("its header: {e}")))?;
    check_feature_list(key, header.common.map(|c| c.features).unwrap_or_default())
}

/// Refuses a list with a feature that is not known here.
pub(super) fn check_feature_list(key: &Key, features: Vec<String>) -> Result<()> {
    let unknown: Vec<String> = features.into_iter().filter(|f| !KNOWN_FEATURES.contains(&f.as_str())).collect();
    if unknown.is_empty() { Ok(()) } else { Err(Error::UnknownFeature { key: key.clone(), features: unknown }) }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}
