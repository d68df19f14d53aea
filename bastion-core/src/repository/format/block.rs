//! Blocks: zstd frames of bounded size, each with its own checksum, so that a range read of one is checked.

use bytes::Bytes;
use zstd::zstd_safe::CParameter;

use super::{corrupt, too_large};
use crate::{
    error::{Error, Result},
    record::Place,
    store::Key,
};

/// A block of bodies is closed when it holds this much: larger ones compress hardly better.
pub(crate) const TARGET_RAW_BLOCK: usize = 256 << 10;
/// No block decompresses to more: readers refuse to allocate beyond.
pub(crate) const MAX_RAW_BLOCK: u32 = 64 << 20;
const LEVEL: i32 = 3;

/// Where a block lies in its file, and how long it is decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    /// First byte in the file.
    pub(crate) start: u64,
    /// Length as stored.
    pub(crate) len: u32,
    /// Length decompressed.
    pub(crate) raw: u32,
}

impl Span {
    /// The bytes of the file that it takes, for a range read.
    pub(crate) fn range(&self) -> std::ops::Range<u64> {
        self.start..self.start.saturating_add(u64::from(self.len))
    }
}

/// Bodies that will be one block.
#[derive(Debug, Default, Clone)]
pub(crate) struct RawBlock(Vec<u8>);

impl RawBlock {
    /// Adds a body; says where in the block it starts.
    pub(crate) fn push(&mut self, body: &[u8]) -> Result<u32> {
        let offset = u32::try_from(self.0.len()).map_err(|_| too_large("a block"))?;
        if self.0.len() + body.len() > MAX_RAW_BLOCK as usize {
            return Err(too_large("a block"));
        }
        if self.0.is_empty() {
            // Pages that are not written take no memory.
            self.0.reserve_exact(TARGET_RAW_BLOCK.max(body.len()));
        }
        self.0.extend_from_slice(body);
        Ok(offset)
    }

    /// Bytes in it.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it should be closed.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= TARGET_RAW_BLOCK
    }

    /// Closes it. Takes a millisecond for a full one: belongs where blocking disturbs nobody.
    pub(crate) fn compress(self) -> Result<Block> {
        let raw = u32::try_from(self.0.len()).map_err(|_| too_large("a block"))?;
        Ok(Block { stored: compress(&self.0)?.into(), raw })
    }
}

/// A closed block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// The zstd frame.
    pub(crate) stored: Bytes,
    /// Its length decompressed.
    pub(crate) raw: u32,
}

pub(super) fn compress(raw: &[u8]) -> Result<Vec<u8>> {
    let failed = |e: std::io::Error| Error::Invalid(format!("compressing {} bytes: {e}", raw.len()));
    let mut zstd = zstd::bulk::Compressor::new(LEVEL).map_err(failed)?;
    zstd.set_parameter(CParameter::ChecksumFlag(true)).map_err(failed)?;
    zstd.compress(raw).map_err(failed)
}

/// Decompresses a block that must give `raw` bytes.
pub(crate) fn decompress(key: &Key, stored: &[u8], raw: u32) -> Result<Vec<u8>> {
    if raw > MAX_RAW_BLOCK {
        return Err(corrupt(key, format!("a block claims {raw} bytes")));
    }
    let out = zstd::bulk::decompress(stored, raw as usize)
        .map_err(|e| corrupt(key, format!("a block does not decompress: {e}")))?;
    if out.len() != raw as usize {
        return Err(corrupt(key, format!("a block holds {} bytes instead of {raw}", out.len())));
    }
    Ok(out)
}

/// The body at that place of a decompressed block.
pub(crate) fn body<'a>(key: &Key, block: &'a [u8], place: &Place) -> Result<&'a [u8]> {
    let (start, len) = (place.offset as usize, place.len as usize);
    block
        .get(start..start.saturating_add(len))
        .ok_or_else(|| corrupt(key, format!("a body of {len} bytes at {start} is outside its block")))
}
