//! Reading bodies, and what was kept beside them.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};

use super::{
    format::{self, Fate, Span},
    log::Log,
};
use crate::{
    error::{Error, Result},
    hash::Hasher,
    object::ObjectId,
    record::{BodyFile, Extras, Place, Revision},
    runtime::{RuntimeExt, SharedRuntime},
    store::Key,
};

/// Decompressed blocks that are kept: neighbours in a restore lie in the same ones.
const CACHED_BYTES: u64 = 32 << 20;
/// Files whose extras are kept.
const CACHED_FILES: usize = 4;
/// Blocks larger than this are decompressed, and bodies hashed, where blocking disturbs nobody.
const OFFLOAD: u32 = 64 << 10;

/// Reads bodies of one cluster's log.
#[derive(Debug)]
pub(crate) struct Bodies {
    log: Log,
    hasher: Arc<dyn Hasher>,
    blocks: Cache<(BodyFile, u64), Bytes, Bulk>,
    extras: Cache<BodyFile, Arc<ExtrasOf>>,
}

type ExtrasOf = BTreeMap<(ObjectId, ResourceVersionText), Extras>;
type ResourceVersionText = String;

#[derive(Debug, Clone)]
struct Bulk;

impl Weighter<(BodyFile, u64), Bytes> for Bulk {
    fn weight(&self, _: &(BodyFile, u64), block: &Bytes) -> u64 {
        block.len() as u64 + 64
    }
}

impl Bodies {
    pub(crate) fn new(log: &Log, hasher: Arc<dyn Hasher>) -> Self {
        Self {
            log: log.clone(),
            hasher,
            blocks: Cache::with_weighter(256, CACHED_BYTES, Bulk),
            extras: Cache::new(CACHED_FILES),
        }
    }

    pub(crate) fn runtime(&self) -> &SharedRuntime {
        &self.log.runtime
    }

    fn key(&self, file: &BodyFile) -> Key {
        match file {
            BodyFile::Segment(n) => self.log.keys.segment(*n),
            BodyFile::Pack(name) => self.log.keys.pack(name),
        }
    }

    /// The body of a revision, checked against its digest.
    pub(crate) async fn body(&self, revision: &Revision) -> Result<Bytes> {
        let place = place(revision)?;
        let key = self.key(&place.file);
        let at = (place.file, place.block_start);
        let block = self.blocks.get_or_insert_async(&at, self.block(&key, &place)).await?;
        format::body(&key, &block, &place)?;
        let start = place.offset as usize;
        let body = block.slice(start..start + place.len as usize);
        let digest = if place.len > OFFLOAD {
            let (hasher, body) = (self.hasher.clone(), body.clone());
            self.log.runtime.offloaded(move || hasher.digest(&body)).await
        } else {
            self.hasher.digest(&body)
        };
        if digest == revision.digest {
            return Ok(body);
        }
        Err(Error::Corrupt { key, why: format!("the body of {} in it does not match its digest", revision.id) })
    }

    async fn block(&self, key: &Key, place: &Place) -> Result<Bytes> {
        let span = Span { start: place.block_start, len: place.block_len, raw: place.block_raw };
        let stored = self.log.get_existing(key, Some(span.range())).await?;
        if span.raw < OFFLOAD {
            return format::decompress(key, &stored, span.raw).map(Bytes::from);
        }
        let key = key.clone();
        self.log.runtime.offloaded(move || format::decompress(&key, &stored, span.raw)).await.map(Bytes::from)
    }

    /// What was kept beside the body of a revision. Reads the whole file.
    pub(crate) async fn extras(&self, revision: &Revision) -> Result<Extras> {
        let file = place(revision)?.file;
        let of_file = self.extras.get_or_insert_async(&file, self.read_extras(file)).await?;
        let at = (revision.id.clone(), revision.order.resource_version.to_string());
        of_file.get(&at).cloned().ok_or_else(|| Error::Corrupt {
            key: self.key(&file),
            why: format!("it has no record of {} at {}", revision.id, revision.order.resource_version),
        })
    }

    async fn read_extras(&self, file: BodyFile) -> Result<Arc<ExtrasOf>> {
        let key = self.key(&file);
        let missing = || Error::Corrupt { key: key.clone(), why: "it is missing".into() };
        let records = match file {
            BodyFile::Segment(n) => self.log.segment(n).await?.ok_or_else(missing)?.records,
            BodyFile::Pack(name) => self.log.pack_by_name(&name).await?.records,
        };
        let extras = records.into_iter().filter_map(|r| match r.fate {
            Fate::Put { extras, .. } => Some(((r.id, r.resource_version.to_string()), *extras)),
            _ => None,
        });
        Ok(Arc::new(extras.collect()))
    }
}

fn place(revision: &Revision) -> Result<Place> {
    revision.place.ok_or_else(|| {
        let word = format!("{:?}", revision.state).to_lowercase();
        Error::Invalid(format!("{} is {word} in revision {}: it has no body", revision.id, revision.number))
    })
}
