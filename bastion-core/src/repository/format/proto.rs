//! The protobuf messages (proto3). `docs/format.md` holds the same tags for people; a tag that was ever
//! written is never given another meaning.

use prost::{Message, Oneof};

/// What every header begins with.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Common {
    #[prost(string, repeated, tag = "1")]
    pub(super) features: Vec<String>,
    #[prost(message, optional, tag = "2")]
    pub(super) encryption: Option<Encryption>,
    #[prost(int64, optional, tag = "3")]
    pub(super) retain_until_ms: Option<i64>,
    #[prost(string, tag = "4")]
    pub(super) cluster: String,
    #[prost(string, tag = "5")]
    pub(super) cluster_uid: String,
    #[prost(string, tag = "6")]
    pub(super) writer: String,
    #[prost(string, tag = "7")]
    pub(super) software: String,
}

/// How the blocks are encrypted; with feature `encryption` only, which this version does not write.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Encryption {
    #[prost(string, tag = "1")]
    pub(super) key_id: String,
    #[prost(uint32, tag = "2")]
    pub(super) aead: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) file_id: Vec<u8>,
}

/// Any header, as far as all agree.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AnyHeader {
    #[prost(message, optional, tag = "1")]
    pub(super) common: Option<Common>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SegmentHeader {
    #[prost(message, optional, tag = "1")]
    pub(super) common: Option<Common>,
    #[prost(uint64, tag = "2")]
    pub(super) number: u64,
    #[prost(string, tag = "3")]
    pub(super) role: String,
    #[prost(uint64, tag = "4")]
    pub(super) epoch: u64,
    #[prost(uint32, tag = "5")]
    pub(super) incarnation: u32,
    #[prost(int64, tag = "6")]
    pub(super) at_ms: i64,
    #[prost(bytes = "vec", tag = "7")]
    pub(super) previous: Vec<u8>,
    #[prost(message, repeated, tag = "8")]
    pub(super) packs: Vec<PackRef>,
    #[prost(uint32, tag = "9")]
    pub(super) records: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PackRef {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) name: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(super) size: u64,
    #[prost(uint32, tag = "3")]
    pub(super) records: u32,
    #[prost(uint32, repeated, tag = "4")]
    pub(super) dropped: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PackHeader {
    #[prost(message, optional, tag = "1")]
    pub(super) common: Option<Common>,
    #[prost(uint32, tag = "2")]
    pub(super) records: u32,
}

/// First message of the footer of segments and packs.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Directory {
    #[prost(message, repeated, tag = "1")]
    pub(super) blocks: Vec<Span>,
    #[prost(message, repeated, tag = "2")]
    pub(super) positions: Vec<Position>,
    #[prost(message, repeated, tag = "3")]
    pub(super) withheld: Vec<Withheld>,
    #[prost(message, repeated, tag = "4")]
    pub(super) accepted: Vec<Accepted>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Span {
    #[prost(uint64, tag = "1")]
    pub(super) start: u64,
    #[prost(uint32, tag = "2")]
    pub(super) len: u32,
    #[prost(uint32, tag = "3")]
    pub(super) raw: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Position {
    #[prost(string, tag = "1")]
    pub(super) policy: String,
    #[prost(string, tag = "2")]
    pub(super) group: String,
    #[prost(string, tag = "3")]
    pub(super) kind: String,
    #[prost(string, tag = "4")]
    pub(super) resource_version: String,
    #[prost(string, tag = "5")]
    pub(super) fingerprint: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Withheld {
    #[prost(string, tag = "1")]
    pub(super) policy: String,
    #[prost(string, tag = "2")]
    pub(super) group: String,
    #[prost(string, tag = "3")]
    pub(super) kind: String,
    #[prost(uint64, tag = "4")]
    pub(super) count: u64,
    #[prost(uint64, tag = "5")]
    pub(super) of: u64,
    #[prost(int64, tag = "6")]
    pub(super) since_ms: i64,
    #[prost(string, repeated, tag = "7")]
    pub(super) examples: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Accepted {
    #[prost(string, tag = "1")]
    pub(super) policy: String,
    #[prost(string, tag = "2")]
    pub(super) group: String,
    #[prost(string, tag = "3")]
    pub(super) kind: String,
    #[prost(int64, tag = "4")]
    pub(super) since_ms: i64,
    #[prost(string, tag = "5")]
    pub(super) by: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Record {
    #[prost(string, tag = "1")]
    pub(super) group: String,
    #[prost(string, tag = "2")]
    pub(super) kind: String,
    #[prost(string, tag = "3")]
    pub(super) namespace: String,
    #[prost(string, tag = "4")]
    pub(super) name: String,
    #[prost(string, tag = "5")]
    pub(super) version: String,
    #[prost(string, tag = "6")]
    pub(super) uid: String,
    #[prost(string, tag = "7")]
    pub(super) resource_version: String,
    #[prost(string, tag = "8")]
    pub(super) policy: String,
    #[prost(oneof = "Fate", tags = "9, 10, 11")]
    pub(super) fate: Option<Fate>,
    #[prost(message, optional, tag = "12")]
    pub(super) origin: Option<Origin>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Fate {
    #[prost(message, tag = "9")]
    Put(Put),
    #[prost(message, tag = "10")]
    Deleted(Deleted),
    #[prost(message, tag = "11")]
    Released(Released),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Put {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) digest: Vec<u8>,
    #[prost(uint32, tag = "2")]
    pub(super) block: u32,
    #[prost(uint32, tag = "3")]
    pub(super) offset: u32,
    #[prost(uint32, tag = "4")]
    pub(super) len: u32,
    #[prost(message, optional, tag = "5")]
    pub(super) extras: Option<Extras>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Deleted {
    /// 1 watched, 2 left the selection, 3 absent from a complete list, 4 a GET said 404.
    #[prost(uint32, tag = "1")]
    pub(super) proof: u32,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Released {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Extras {
    #[prost(string, optional, tag = "1")]
    pub(super) created: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(super) manager: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(super) managed_at: Option<String>,
    #[prost(string, repeated, tag = "4")]
    pub(super) unowned: Vec<String>,
    #[prost(string, optional, tag = "5")]
    pub(super) last_applied: Option<String>,
    #[prost(bytes = "vec", optional, tag = "6")]
    pub(super) status: Option<Vec<u8>>,
}

/// Which commit a record came with.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Origin {
    #[prost(uint64, tag = "1")]
    pub(super) segment: u64,
    #[prost(int64, tag = "2")]
    pub(super) at_ms: i64,
    #[prost(uint32, tag = "3")]
    pub(super) incarnation: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct IndexHeader {
    #[prost(message, optional, tag = "1")]
    pub(super) common: Option<Common>,
    #[prost(uint64, tag = "2")]
    pub(super) first_segment: u64,
    #[prost(uint64, tag = "3")]
    pub(super) last_segment: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct IndexFooter {
    #[prost(uint64, tag = "1")]
    pub(super) payload_start: u64,
    #[prost(message, repeated, tag = "2")]
    pub(super) live: Vec<IndexBlock>,
    #[prost(message, repeated, tag = "3")]
    pub(super) past: Vec<IndexBlock>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct IndexBlock {
    #[prost(message, optional, tag = "1")]
    pub(super) span: Option<Span>,
    #[prost(uint32, tag = "2")]
    pub(super) entries: u32,
    #[prost(string, tag = "3")]
    pub(super) group: String,
    #[prost(string, tag = "4")]
    pub(super) kind: String,
    #[prost(string, tag = "5")]
    pub(super) namespace: String,
    #[prost(string, tag = "6")]
    pub(super) name: String,
}

/// Entries of an index file, column by column: what is alike lies together and compresses away.
#[derive(Clone, PartialEq, Message)]
pub(super) struct IndexColumns {
    /// Strings that columns refer to by number.
    #[prost(string, repeated, tag = "1")]
    pub(super) strings: Vec<String>,
    #[prost(message, repeated, tag = "2")]
    pub(super) origins: Vec<Origin>,
    #[prost(message, repeated, tag = "3")]
    pub(super) bodies: Vec<BodyBlock>,
    // A number an entry, in columns 4 to 13.
    #[prost(uint32, repeated, tag = "4")]
    pub(super) group: Vec<u32>,
    #[prost(uint32, repeated, tag = "5")]
    pub(super) kind: Vec<u32>,
    #[prost(uint32, repeated, tag = "6")]
    pub(super) namespace: Vec<u32>,
    #[prost(string, repeated, tag = "7")]
    pub(super) name: Vec<String>,
    #[prost(uint32, repeated, tag = "8")]
    pub(super) version: Vec<u32>,
    #[prost(uint32, repeated, tag = "9")]
    pub(super) policy: Vec<u32>,
    /// 1 put, 2 deleted, 3 released.
    #[prost(uint32, repeated, tag = "10")]
    pub(super) state: Vec<u32>,
    #[prost(uint32, repeated, tag = "11")]
    pub(super) origin: Vec<u32>,
    /// A number where the text is the plain decimal of a u64 below 2^64 - 1; otherwise 2^64 - 1, and the text
    /// is the next of `odd_versions`.
    #[prost(uint64, repeated, tag = "12")]
    pub(super) resource_version: Vec<u64>,
    #[prost(string, repeated, tag = "13")]
    pub(super) odd_versions: Vec<String>,
    /// 16 bytes an entry where its uid is a lower-case UUID; otherwise 16 bytes of ff, and the text is the
    /// next of `odd_uids`.
    #[prost(bytes = "vec", tag = "14")]
    pub(super) uid: Vec<u8>,
    #[prost(string, repeated, tag = "15")]
    pub(super) odd_uids: Vec<String>,
    /// These have an element for each entry whose state is put.
    #[prost(bytes = "vec", tag = "16")]
    pub(super) digest: Vec<u8>,
    #[prost(uint32, repeated, tag = "17")]
    pub(super) body: Vec<u32>,
    #[prost(uint32, repeated, tag = "18")]
    pub(super) offset: Vec<u32>,
    #[prost(uint32, repeated, tag = "19")]
    pub(super) len: Vec<u32>,
}

/// A block that bodies of index entries lie in; of a pack, or of a segment where `pack` is empty.
#[derive(Clone, PartialEq, Message)]
pub(super) struct BodyBlock {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) pack: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(super) segment: u64,
    #[prost(message, optional, tag = "3")]
    pub(super) span: Option<Span>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CheckpointHeader {
    #[prost(message, optional, tag = "1")]
    pub(super) common: Option<Common>,
    #[prost(uint64, tag = "2")]
    pub(super) number: u64,
    /// SHA-256 of the parent; empty where there is none.
    #[prost(bytes = "vec", tag = "3")]
    pub(super) parent: Vec<u8>,
    #[prost(int64, tag = "4")]
    pub(super) at_ms: i64,
}

/// The footer of a checkpoint.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Checkpoint {
    #[prost(uint64, tag = "1")]
    pub(super) segment: u64,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) segment_digest: Vec<u8>,
    #[prost(int64, tag = "3")]
    pub(super) segment_at_ms: i64,
    #[prost(uint32, tag = "4")]
    pub(super) incarnation: u32,
    #[prost(message, repeated, tag = "5")]
    pub(super) epochs: Vec<Epoch>,
    #[prost(message, repeated, tag = "6")]
    pub(super) positions: Vec<Position>,
    #[prost(message, repeated, tag = "7")]
    pub(super) withheld: Vec<Withheld>,
    #[prost(message, repeated, tag = "8")]
    pub(super) accepted: Vec<Accepted>,
    #[prost(message, repeated, tag = "9")]
    pub(super) indexes: Vec<IndexRef>,
    #[prost(message, repeated, tag = "10")]
    pub(super) packs: Vec<PackLive>,
    #[prost(message, repeated, tag = "11")]
    pub(super) segments: Vec<SegmentRun>,
    #[prost(message, optional, tag = "12")]
    pub(super) retention: Option<Retention>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Epoch {
    #[prost(string, tag = "1")]
    pub(super) role: String,
    #[prost(uint64, tag = "2")]
    pub(super) epoch: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct IndexRef {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) name: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(super) size: u64,
    #[prost(message, optional, tag = "3")]
    pub(super) footer: Option<Span>,
    #[prost(uint64, tag = "4")]
    pub(super) first_segment: u64,
    #[prost(uint64, tag = "5")]
    pub(super) last_segment: u64,
    #[prost(uint64, tag = "6")]
    pub(super) live: u64,
    #[prost(uint64, tag = "7")]
    pub(super) past: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PackLive {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) name: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(super) size: u64,
    #[prost(uint64, tag = "3")]
    pub(super) raw: u64,
    #[prost(uint64, tag = "4")]
    pub(super) live: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct SegmentRun {
    #[prost(uint64, tag = "1")]
    pub(super) first: u64,
    #[prost(uint64, tag = "2")]
    pub(super) last: u64,
    #[prost(uint64, tag = "3")]
    pub(super) size: u64,
    #[prost(uint64, tag = "4")]
    pub(super) raw: u64,
    #[prost(uint64, tag = "5")]
    pub(super) live: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Retention {
    #[prost(string, tag = "1")]
    pub(super) policy: String,
    #[prost(int64, tag = "2")]
    pub(super) at_ms: i64,
    #[prost(uint64, tag = "3")]
    pub(super) dropped: u64,
}
