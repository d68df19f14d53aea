//! The bytes of a repository: pure codecs between stored files and structs. No I/O, no clock.
//!
//! `docs/format.md` is the specification; whoever changes something here changes that page in the same
//! commit. Every decoder is total: arbitrary bytes give an error that names the key, never a panic and
//! never an allocation beyond the limits of [`block`].

mod block;
mod checkpoint;
mod config;
mod contents;
mod convert;
mod envelope;
mod index;
mod index_block;
pub(crate) mod keys;
mod pack;
mod proto;
mod segment;
#[cfg(test)]
mod tests;
mod uid;

pub(crate) use block::{MAX_RAW_BLOCK, RawBlock, Span, TARGET_RAW_BLOCK, body, decompress};
pub(crate) use checkpoint::{Checkpoint, IndexRef, PackLive, SegmentRun, decode_checkpoint, encode_checkpoint};
pub(crate) use config::{Config, decode_config, encode_config};
pub(crate) use contents::{BodyAt, Contents, Fate, Record};
pub(crate) use convert::Common;
pub(crate) use envelope::FORMAT_VERSION;
pub(crate) use index::{IndexBlock, IndexFooter, IndexHeader, IndexWriter, Section, decode_index, decode_index_footer};
pub(crate) use index_block::decode_index_block;
pub(crate) use pack::{Pack, decode_pack, encode_pack};
pub(crate) use segment::{PackRef, Segment, SegmentHeader, decode_segment, encode_segment};

use crate::{error::Error, store::Key};

/// Features that this version can read. A file that lists any other is refused with
/// [`Error::UnknownFeature`].
pub(crate) const KNOWN_FEATURES: &[&str] = &[];

fn corrupt(key: &Key, why: impl Into<String>) -> Error {
    Error::Corrupt { key: key.clone(), why: why.into() }
}

fn too_large(what: &str) -> Error {
    Error::Invalid(format!("{what} is too large for one file"))
}
