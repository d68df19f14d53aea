//! Writing index files and checkpoints.

use std::time::Duration;

use bytes::Bytes;

use super::{
    Writer,
    format::{self, Checkpoint, IndexHeader, IndexRef, IndexWriter, PackLive, SegmentRun},
    load::Base,
    merging::{add_object, worth_merging},
    race::Claim,
    tail::Tail,
};
use crate::{
    error::{Error, Result, chain},
    hash::Digest,
    store::Key,
};

/// A checkpoint is written after so many segments …
pub(super) const SEGMENTS: usize = 256;
/// … or so many revisions.
const ENTRIES: usize = 16 << 10;
/// How many more segments are waited for after a checkpoint failed.
const LATER: usize = 64;
/// How long a checkpoint between commits may be tried: changes are waiting.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a checkpoint of another writer is taken in instead of ours.
const ATTEMPTS: usize = 8;

impl Writer {
    /// Writes a checkpoint where enough has come together. A failure does not fail the commit: it is logged,
    /// and tried again later.
    pub(super) async fn checkpoint_if_due(&mut self) {
        let (segments, entries) = self.index.with_tail(|t| (t.segments(), t.entries()));
        if segments < self.checkpoint_due && (entries < ENTRIES || self.checkpoint_due > SEGMENTS) {
            return;
        }
        let patience = self.log.give_up_after;
        self.log.give_up_after = Some(patience.map_or(PATIENCE, |p| p.min(PATIENCE)));
        let written = self.checkpoint().await;
        self.log.give_up_after = patience;
        self.checkpoint_due = match written {
            Ok(()) => SEGMENTS,
            Err(error) => {
                tracing::warn!(error = chain(&error), "could not write a checkpoint; retrying later");
                segments + LATER
            }
        };
    }

    /// Writes an index file and a checkpoint if anything was committed since the last one.
    pub async fn checkpoint(&mut self) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if self.is_silent() {
                self.read_on().await?;
            }
            self.check_fence()?;
            if self.index.with_tail(Tail::segments) == 0 {
                return Ok(());
            }
            let checkpoint = self.next_checkpoint().await?;
            let sealed = format::encode_checkpoint(&checkpoint)?;
            let key = self.log.keys.checkpoint(checkpoint.number);
            match self.log.claim(&key, &sealed.bytes, None).await? {
                Claim::Ours => {
                    self.stand_on(checkpoint, sealed.digest);
                    return Ok(());
                }
                // One that covers what we have not read: that first.
                Claim::Theirs(_) | Claim::Unsure => drop(self.read_on().await?),
            }
        }
        Err(Error::Invalid("other writers keep writing checkpoints".into()))
    }

    /// Stands on the newest checkpoint, where another writer wrote one. Whether it covers segments that we
    /// have not read: then they come first.
    pub(super) async fn take_theirs(&mut self) -> Result<bool> {
        if self.log.highest_checkpoint().await? <= self.checkpoints {
            return Ok(false);
        }
        let (found, taken) = self.log.newest_checkpoint().await?;
        if found.as_ref().is_some_and(|(c, _)| c.segment > self.state.head.number) {
            return Ok(true);
        }
        self.checkpoints = self.checkpoints.max(taken);
        let ours = self.base.as_ref().map_or(0, |b| b.checkpoint.number);
        if let Some((checkpoint, digest)) = found.filter(|(c, _)| c.number > ours) {
            self.stand_on(checkpoint, digest);
        }
        Ok(false)
    }

    fn stand_on(&mut self, checkpoint: Checkpoint, digest: Digest) {
        self.checkpoints = self.checkpoints.max(checkpoint.number);
        self.index.rebase(checkpoint.segment, &checkpoint.indexes);
        self.base = Some(Base { checkpoint, digest });
    }

    /// Stores the index files of the next checkpoint, and makes that.
    async fn next_checkpoint(&self) -> Result<Checkpoint> {
        let head = &self.state.head;
        let base = self.base.as_ref().map(|b| &b.checkpoint);
        let header = IndexHeader {
            common: self.common(&head.cluster_uid),
            // Where only positions moved there is no index file: the next one covers these segments too.
            first_segment: base.and_then(|b| b.indexes.last()).map_or(0, |i| i.last_segment) + 1,
            last_segment: head.number,
        };
        let files = self.index.with_tail(|tail| index_files(tail, &header))?;
        let mut indexes = base.map(|b| b.indexes.clone()).unwrap_or_default();
        for (bytes, reference) in files {
            let key: Key = self.log.keys.index(&reference.name);
            self.log.store_named(&key, &bytes).await?;
            indexes.push(reference);
        }
        if let Some(from) = worth_merging(&indexes) {
            match self.log.merge_indexes(&indexes[from..], header).await {
                Ok(merged) => drop(indexes.splice(from.., merged)),
                // More files make look-ups slower; without a checkpoint every start would be.
                Err(error) => {
                    tracing::warn!(error = chain(&error), "could not merge index files; continuing without");
                }
            }
        }
        let mut packs = base.map(|b| b.packs.clone()).unwrap_or_default();
        let mut segments = base.map(|b| b.segments.clone()).unwrap_or_default();
        self.index.with_tail(|tail| {
            let (run, new) = bodies(tail);
            segments.extend(run);
            packs.extend(new);
        });
        Ok(Checkpoint {
            common: self.common(&head.cluster_uid),
            number: self.checkpoints + 1,
            parent: self.base.as_ref().map(|b| b.digest),
            at: self.log.runtime.now(),
            segment: head.number,
            segment_digest: head.digest,
            segment_at: head.at,
            incarnation: head.incarnation,
            epochs: self.state.epochs.clone(),
            positions: self.state.positions.values().cloned().collect(),
            withheld: self.state.withheld.values().cloned().collect(),
            accepted: self.state.accepted.clone(),
            indexes,
            packs,
            segments,
            ..Checkpoint::default()
        })
    }
}

/// The index files of what a tail holds.
fn index_files(tail: &Tail, header: &IndexHeader) -> Result<Vec<(Bytes, IndexRef)>> {
    let (mut full, mut writer) = (Vec::new(), IndexWriter::new());
    for (_, revisions) in tail.iter() {
        full.extend(add_object(&mut writer, revisions.clone())?);
    }
    full.extend(Some(writer).filter(|w| !w.is_empty()));
    let files = full.into_iter().map(|writer| writer.finish(header).map(|(sealed, r)| (sealed.bytes, r)));
    files.collect()
}

/// Which bodies the segments of a tail and their packs hold.
fn bodies(tail: &Tail) -> (Option<SegmentRun>, Vec<PackLive>) {
    let mut all: Option<SegmentRun> = None;
    for (run, _) in tail.files().iter().filter(|(run, _)| run.live > 0) {
        all = Some(match all {
            None => *run,
            Some(a) => SegmentRun {
                first: a.first,
                last: run.last,
                size: a.size + run.size,
                raw: a.raw + run.raw,
                live: a.live + run.live,
            },
        });
    }
    (all, tail.files().iter().flat_map(|(_, packs)| packs).copied().collect())
}
