//! The changes of one commit.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{
    format::{BodyAt, Common, Contents, Fate, RawBlock, Record, TARGET_RAW_BLOCK},
    log::Log,
    upload::{PARALLEL_UPLOADS, Upload},
};
use crate::{
    error::{Error, Result},
    record::{Change, Extras, What},
    runtime::RuntimeExt,
};

/// What rides inside a segment: a big PUT would lose every race for a number.
const MAX_INLINE: usize = 1 << 20;
/// A pack is closed at this size …
const PACK_SIZE: usize = 6 << 20;
/// … and before a body that might bring it above this: with its records it stays below 8 MiB. Only one whose
/// first body is larger than that is larger.
const PACK_LIMIT: usize = 7 << 20;
/// Or when its records take this much before compression.
const PACK_RECORD_BYTES: usize = 4 << 20;
/// The largest body: what compresses to nothing less than itself must still fit in a file.
const MAX_BODY: usize = 12 << 20;
/// Blocks smaller than this are compressed in place: handing them over would take longer.
const OFFLOAD: usize = 32 << 10;
/// Records compress at least this well (names, policies and API versions repeat).
const RECORD_RATIO: usize = 3;

/// Collects changes for one commit. Blocks are compressed as they fill and packs are uploaded while the batch grows,
/// so its memory is bounded, however many changes there are.
#[derive(Debug)]
pub struct Batch {
    log: Log,
    header: Arc<Common>,
    room: Arc<Semaphore>,
    /// The incarnation that the changes are of.
    pub(super) incarnation: u32,
    pub(super) uploads: Vec<Upload>,
    /// What is not in a pack. The records of the open block refer to the number that it will have.
    pub(super) rest: Contents,
    rest_bytes: usize,
    rest_record_bytes: usize,
    open: RawBlock,
    len: usize,
    raw: u64,
    /// Set while changes are in neither place: if that fails or is dropped half-way they are lost, and the
    /// rest must not be committed as if it were all.
    broken: bool,
}

impl Batch {
    pub(super) fn new(log: &Log, header: &Arc<Common>, incarnation: u32) -> Self {
        Self {
            log: log.clone(),
            header: header.clone(),
            room: Arc::new(Semaphore::new(PARALLEL_UPLOADS)),
            incarnation,
            uploads: Vec::new(),
            rest: Contents::default(),
            rest_bytes: 0,
            rest_record_bytes: 0,
            open: RawBlock::default(),
            len: 0,
            raw: 0,
            broken: false,
        }
    }

    /// Adds a change. May compress a block or wait for an upload. [`Error::Object`] if the object cannot be stored; the
    /// batch can be used on without it.
    pub async fn push(&mut self, change: Change) -> Result<()> {
        let mut record_bytes = 100 + change.id.namespace.len() + change.id.name.len();
        let fate = match change.what {
            What::Put { digest, body, extras } => {
                if body.len() > MAX_BODY {
                    let why = format!("{} bytes exceed the limit of {MAX_BODY}", body.len());
                    return Err(Error::Object { id: change.id, why, source: None });
                }
                if body.len() >= TARGET_RAW_BLOCK {
                    // A large one has a block to itself: its neighbours are read without it.
                    self.close_block().await?;
                    if self.rest_bytes + body.len() > PACK_LIMIT {
                        self.close_pack().await?;
                    }
                }
                record_bytes += 40 + extras_len(&extras);
                let block = u32::try_from(self.rest.blocks.len()).unwrap_or(u32::MAX);
                let offset = self.open.push(&body)?;
                let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
                self.raw += u64::from(len);
                Fate::Put { digest, body: BodyAt { block, offset, len }, extras }
            }
            What::Deleted(proof) => Fate::Deleted(proof),
            What::Released => Fate::Released,
        };
        self.rest.records.push(Record {
            id: change.id,
            version: change.version,
            uid: change.uid,
            resource_version: change.resource_version,
            policy: change.policy,
            fate,
            origin: None,
        });
        self.rest_record_bytes += record_bytes;
        self.len += 1;
        if self.open.is_full() {
            self.close_block().await?;
        }
        if self.rest_bytes >= PACK_SIZE || self.rest_record_bytes >= PACK_RECORD_BYTES {
            self.close_pack().await?;
        }
        Ok(())
    }

    /// The number of changes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes of their bodies.
    pub fn raw_bytes(&self) -> u64 {
        self.raw
    }

    /// Closes what is open and waits for the uploads: what is left fits in a segment. May be called again
    /// after an error.
    pub(super) async fn finish(&mut self) -> Result<()> {
        if self.broken {
            return Err(Error::Invalid("an earlier failure lost part of this batch; it cannot be committed".into()));
        }
        self.close_block().await?;
        if self.rest_bytes + self.rest_record_bytes / RECORD_RATIO > MAX_INLINE {
            self.close_pack().await?;
        }
        for upload in &mut self.uploads {
            upload.finish(&self.log).await?;
        }
        Ok(())
    }

    async fn close_block(&mut self) -> Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        self.broken = true;
        let open = std::mem::take(&mut self.open);
        let block = if open.len() < OFFLOAD {
            open.compress()?
        } else {
            self.log.runtime.offloaded(move || open.compress()).await?
        };
        self.rest_bytes += block.stored.len();
        self.rest.blocks.push(block);
        self.broken = false;
        Ok(())
    }

    async fn close_pack(&mut self) -> Result<()> {
        self.close_block().await?;
        if self.rest.records.is_empty() {
            return Ok(());
        }
        self.broken = true;
        let contents = std::mem::take(&mut self.rest);
        (self.rest_bytes, self.rest_record_bytes) = (0, 0);
        self.uploads.push(Upload::start(&self.log, &self.header, contents, &self.room).await?);
        self.broken = false;
        Ok(())
    }
}

fn extras_len(extras: &Extras) -> usize {
    let text = |t: &Option<Arc<str>>| t.as_ref().map_or(0, |t| t.len() + 2);
    text(&extras.created)
        + text(&extras.manager)
        + text(&extras.managed_at)
        + text(&extras.last_applied)
        + extras.unowned.iter().map(|u| u.len() + 2).sum::<usize>()
        + extras.status.as_ref().map_or(0, bytes::Bytes::len)
}
