//! Where the bodies of revisions are stored.

use crate::hash::Digest;

/// Which file holds a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum BodyFile {
    /// The segment of that number.
    Segment(u64),
    /// The pack of that name.
    Pack(Digest),
}

/// Where a body lies: one range read and one decompression away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// The file.
    pub(crate) file: BodyFile,
    /// Where the compressed block starts in the file.
    pub(crate) block_start: u64,
    /// Length of the compressed block in bytes.
    pub(crate) block_len: u32,
    /// Length of the block decompressed.
    pub(crate) block_raw: u32,
    /// Where the body starts in the decompressed block.
    pub(crate) offset: u32,
    /// Length of the body.
    pub(crate) len: u32,
}
