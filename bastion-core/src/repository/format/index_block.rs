//! A block of an index file: entries as columns, so that what is alike lies together.

use std::{collections::BTreeMap, sync::Arc};

use prost::Message;

use super::{
    block::{self, Block, Span},
    contents::Origin,
    convert::{digest_from, origin_from, origin_to},
    corrupt,
    index::IndexBlock,
    proto::{self, IndexColumns},
    too_large, uid,
};
use crate::{
    error::Result,
    hash::Digest,
    object::{ObjectId, ResourceVersion},
    record::{BodyFile, Order, Place, Revision, RevisionState},
    store::Key,
};

/// No block of entries is larger than this when decompressed.
const MAX_RAW: u32 = 4 << 20;
/// Stands for "the text follows elsewhere" in columns of numbers and of uids.
const ODD_VERSION: u64 = u64::MAX;
const ODD_UID: [u8; 16] = [0xff; 16];

/// Makes a block of entries.
pub(super) fn encode(entries: &[Revision]) -> Result<Block> {
    let mut out = Columns::default();
    for entry in entries {
        out.push(entry)?;
    }
    let raw = out.message.encode_to_vec();
    let len = u32::try_from(raw.len()).ok().filter(|n| *n <= MAX_RAW).ok_or_else(|| too_large("a block of entries"))?;
    Ok(Block { stored: block::compress(&raw)?.into(), raw: len })
}

/// Reads a block that was fetched by its [`IndexBlock::span`].
pub(crate) fn decode_index_block(key: &Key, stored: &[u8], block: &IndexBlock) -> Result<Vec<Revision>> {
    if block.span.raw > MAX_RAW {
        return Err(corrupt(key, format!("a block of entries claims {} bytes", block.span.raw)));
    }
    let raw = block::decompress(key, stored, block.span.raw)?;
    let columns = IndexColumns::decode(&*raw).map_err(|e| corrupt(key, format!("a block of entries: {e}")))?;
    let entries = columns.name.len();
    if entries != block.entries as usize {
        return Err(corrupt(key, format!("a block has {entries} entries instead of {}", block.entries)));
    }
    // Before room is made for them: a name may take two bytes, but an entry has a uid too.
    if columns.uid.len() != 16 * entries {
        return Err(corrupt(key, format!("a block has {} bytes of uids for {entries} entries", columns.uid.len())));
    }
    let revisions = Reader::new(key, &columns)?.revisions()?;
    if revisions.first().is_some_and(|v| v.id != block.first) {
        return Err(corrupt(key, "a block does not begin with the object that the footer names"));
    }
    if !revisions.is_sorted_by(|a, b| a.id <= b.id) {
        return Err(corrupt(key, "its entries are not in order"));
    }
    Ok(revisions)
}

/// Columns in the making, and the tables that they refer to.
#[derive(Default)]
struct Columns {
    message: IndexColumns,
    strings: BTreeMap<Arc<str>, u32>,
    origins: BTreeMap<(u64, i64, u32), u32>,
    bodies: BTreeMap<(BodyFile, u64, u32, u32), u32>,
}

impl Columns {
    fn push(&mut self, v: &Revision) -> Result<()> {
        let (group, kind) = (self.string(&v.id.group)?, self.string(&v.id.kind)?);
        let (namespace, revision) = (self.string(&v.id.namespace)?, self.string(&v.version)?);
        let (policy, origin) = (self.string(&v.policy)?, self.origin(v)?);
        let place = match v.place {
            Some(place) if v.state == RevisionState::Put => Some((self.body(&place)?, place)),
            _ => None,
        };
        let c = &mut self.message;
        c.group.push(group);
        c.kind.push(kind);
        c.namespace.push(namespace);
        c.name.push(v.id.name.to_string());
        c.version.push(revision);
        c.policy.push(policy);
        c.origin.push(origin);
        c.state.push(match (v.state, place) {
            (RevisionState::Put, Some(_)) => 1,
            (RevisionState::Put, None) => {
                return Err(crate::Error::Invalid(format!("{}: a put without a location", v.id)));
            }
            (RevisionState::Deleted, _) => 2,
            (RevisionState::Released, _) => 3,
        });
        let rv = &v.order.resource_version;
        if let Some(n) = rv.exact_number().filter(|n| *n != ODD_VERSION) {
            c.resource_version.push(n);
        } else {
            c.resource_version.push(ODD_VERSION);
            c.odd_versions.push(rv.to_string());
        }
        // The bytes that stand for any other text cannot stand for themselves.
        if let Some(uid) = uid::to_bytes(&v.uid).filter(|uid| *uid != ODD_UID) {
            c.uid.extend_from_slice(&uid);
        } else {
            c.uid.extend_from_slice(&ODD_UID);
            c.odd_uids.push(v.uid.to_string());
        }
        if let Some((body, place)) = place {
            c.digest.extend_from_slice(v.digest.as_bytes());
            c.body.push(body);
            c.offset.push(place.offset);
            c.len.push(place.len);
        }
        Ok(())
    }

    fn string(&mut self, text: &Arc<str>) -> Result<u32> {
        if let Some(n) = self.strings.get(text) {
            return Ok(*n);
        }
        let n = next(self.message.strings.len())?;
        self.message.strings.push(text.to_string());
        self.strings.insert(text.clone(), n);
        Ok(n)
    }

    fn origin(&mut self, v: &Revision) -> Result<u32> {
        let origin = Origin { segment: v.number, at: v.at, incarnation: v.order.incarnation };
        let key = (origin.segment, origin.at.as_millis(), origin.incarnation);
        if let Some(n) = self.origins.get(&key) {
            return Ok(*n);
        }
        let n = next(self.message.origins.len())?;
        self.message.origins.push(origin_to(&origin));
        self.origins.insert(key, n);
        Ok(n)
    }

    fn body(&mut self, p: &Place) -> Result<u32> {
        let key = (p.file, p.block_start, p.block_len, p.block_raw);
        if let Some(n) = self.bodies.get(&key) {
            return Ok(*n);
        }
        let n = next(self.message.bodies.len())?;
        let (pack, segment) = match p.file {
            BodyFile::Pack(name) => (name.as_bytes().to_vec(), 0),
            BodyFile::Segment(number) => (Vec::new(), number),
        };
        let span = Some(proto::Span { start: p.block_start, len: p.block_len, raw: p.block_raw });
        self.message.bodies.push(proto::BodyBlock { pack, segment, span });
        self.bodies.insert(key, n);
        Ok(n)
    }
}

fn next(len: usize) -> Result<u32> {
    u32::try_from(len).map_err(|_| too_large("a block of entries"))
}

/// Columns being read, and the tables that they refer to.
struct Reader<'a> {
    key: &'a Key,
    columns: &'a IndexColumns,
    strings: Vec<Arc<str>>,
    origins: Vec<Origin>,
    bodies: Vec<(BodyFile, Span)>,
}

impl<'a> Reader<'a> {
    fn new(key: &'a Key, columns: &'a IndexColumns) -> Result<Self> {
        let bodies = columns.bodies.iter().map(|b| {
            let span = b.span.ok_or_else(|| corrupt(key, "a block of bodies has no location"))?;
            let file = match &*b.pack {
                [] => BodyFile::Segment(b.segment),
                name => BodyFile::Pack(digest_from(key, name)?),
            };
            Ok((file, Span { start: span.start, len: span.len, raw: span.raw }))
        });
        Ok(Self {
            key,
            columns,
            bodies: bodies.collect::<Result<_>>()?,
            strings: columns.strings.iter().map(|s| s.as_str().into()).collect(),
            origins: columns.origins.iter().copied().map(origin_from).collect(),
        })
    }

    fn revisions(&self) -> Result<Vec<Revision>> {
        let c = self.columns;
        let mut odd_versions = c.odd_versions.iter();
        let mut odd_uids = c.odd_uids.iter();
        let mut puts = 0;
        let mut out = Vec::with_capacity(c.name.len());
        for (i, name) in c.name.iter().enumerate() {
            let resource_version = match self.column(&c.resource_version, i)? {
                ODD_VERSION => ResourceVersion::new(self.some(odd_versions.next())?.as_str()),
                n => ResourceVersion::from(n),
            };
            let uid = match self.some(c.uid.as_chunks::<16>().0.get(i))? {
                &ODD_UID => self.some(odd_uids.next())?.as_str().into(),
                uid => uid::to_text(uid).into(),
            };
            let state = match self.column(&c.state, i)? {
                1 => RevisionState::Put,
                2 => RevisionState::Deleted,
                3 => RevisionState::Released,
                n => return Err(corrupt(self.key, format!("an entry has the unknown state {n}"))),
            };
            let (digest, place) = if state == RevisionState::Put {
                puts += 1;
                self.put(puts - 1)?
            } else {
                (Digest::default(), None)
            };
            let origin = self.some(self.origins.get(self.column(&c.origin, i)? as usize))?;
            out.push(Revision {
                id: ObjectId {
                    group: self.string(&c.group, i)?,
                    kind: self.string(&c.kind, i)?,
                    namespace: self.string(&c.namespace, i)?,
                    name: name.as_str().into(),
                },
                version: self.string(&c.version, i)?,
                uid,
                order: Order { incarnation: origin.incarnation, resource_version },
                number: origin.segment,
                at: origin.at,
                state,
                digest,
                place,
                policy: self.string(&c.policy, i)?,
            });
        }
        Ok(out)
    }

    fn put(&self, i: usize) -> Result<(Digest, Option<Place>)> {
        let c = self.columns;
        let digest = self.some(c.digest.as_chunks::<32>().0.get(i))?;
        let (file, span) = *self.some(self.bodies.get(self.column(&c.body, i)? as usize))?;
        let place = Place {
            file,
            block_start: span.start,
            block_len: span.len,
            block_raw: span.raw,
            offset: self.column(&c.offset, i)?,
            len: self.column(&c.len, i)?,
        };
        Ok((Digest::new(*digest), Some(place)))
    }

    fn column<T: Copy>(&self, column: &[T], i: usize) -> Result<T> {
        self.some(column.get(i)).copied()
    }

    fn string(&self, column: &[u32], i: usize) -> Result<Arc<str>> {
        self.some(self.strings.get(self.column(column, i)? as usize)).cloned()
    }

    fn some<T>(&self, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| corrupt(self.key, "a column of a block of entries is too short"))
    }
}
