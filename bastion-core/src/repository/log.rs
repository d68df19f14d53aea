//! Reading the files of one cluster.

use std::{ops::Range, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::{
    Repository,
    commit::Commit,
    format::{self, Checkpoint, Pack, PackRef, Segment, keys::ClusterKeys},
    retry::{Attempts, Limit},
};
use crate::{
    error::{Error, Result},
    hash::{Algorithm, Digest},
    runtime::{RuntimeExt, SharedRuntime},
    store::{Key, Prefix, Store, StoreError, StoreResult},
};

/// Files larger than this are decoded where blocking disturbs nobody.
const OFFLOAD: usize = 64 << 10;
/// How many packs of one segment are read at the same time.
const PARALLEL_PACKS: usize = 4;

/// The files of one cluster.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) runtime: SharedRuntime,
    /// Which function makes digests of contents.
    pub(crate) algorithm: Algorithm,
    pub(crate) cluster: Arc<str>,
    pub(crate) keys: ClusterKeys,
    /// How long to go on after failures that may pass; `None` for good.
    pub(crate) give_up_after: Option<Duration>,
    /// The same for all that works for one writer: whichever is shorter.
    pub(crate) limit: Limit,
}

impl Log {
    /// The files of that cluster, read without trying again: stores do that for reads.
    pub(crate) fn new(repository: &Repository, cluster: &str) -> Self {
        Self::with_keys(repository, cluster, ClusterKeys::new(cluster))
    }

    /// The same by keys that were found: their folder's name may have been cut.
    pub(crate) fn with_keys(repository: &Repository, cluster: &str, keys: ClusterKeys) -> Self {
        Self {
            store: repository.store().clone(),
            runtime: repository.runtime().clone(),
            algorithm: repository.info().algorithm,
            cluster: cluster.into(),
            keys,
            give_up_after: Some(Duration::ZERO),
            limit: Limit::default(),
        }
    }

    /// For an operation that begins now.
    pub(crate) fn attempts(&self) -> Attempts {
        Attempts::new(&self.runtime, self.give_up_after).limited(&self.limit)
    }

    /// Reads a file or a part of it.
    pub(crate) async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Bytes> {
        let mut attempts = self.attempts();
        loop {
            match self.store.get(key, range.clone()).await {
                Err(e) if attempts.again(&e).await => {}
                done => return done,
            }
        }
    }

    /// Reads a file that must be there.
    pub(crate) async fn get_existing(&self, key: &Key, range: Option<Range<u64>>) -> Result<Bytes> {
        self.get(key, range).await.map_err(|e| match e {
            StoreError::NotFound { .. } => Error::Corrupt { key: key.clone(), why: "it is missing".into() },
            StoreError::InvalidRange { .. } => Error::Corrupt { key: key.clone(), why: "it is too short".into() },
            e => e.into(),
        })
    }

    /// Segment `n`; `None` where there is none.
    pub(crate) async fn segment(&self, n: u64) -> Result<Option<Segment>> {
        let key = self.keys.segment(n);
        match self.get(&key, None).await {
            Ok(bytes) => self.decode_segment(n, bytes).await.map(Some),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Takes the bytes of segment `n` apart.
    pub(crate) async fn decode_segment(&self, n: u64, bytes: Bytes) -> Result<Segment> {
        let key = self.keys.segment(n);
        let segment = self.decode(bytes, move |b| format::decode_segment(&key, b)).await?;
        if segment.header.number == n {
            return Ok(segment);
        }
        Err(Error::Corrupt {
            key: self.keys.segment(n),
            why: format!("it claims to be segment {}", segment.header.number),
        })
    }

    /// A pack that a segment names.
    pub(crate) async fn pack(&self, name: &PackRef) -> Result<Pack> {
        let pack = self.pack_by_name(&name.name).await?;
        if pack.size == name.size && pack.records.len() == name.records as usize {
            return Ok(pack);
        }
        let key = self.keys.pack(&name.name);
        Err(Error::Corrupt { key, why: "it does not match the segment that refers to it".into() })
    }

    /// The pack of that name.
    pub(crate) async fn pack_by_name(&self, name: &Digest) -> Result<Pack> {
        let key = self.keys.pack(name);
        let bytes = self.get_existing(&key, None).await?;
        let decode_key = key.clone();
        let pack = self.decode(bytes, move |b| format::decode_pack(&decode_key, b)).await?;
        if pack.digest == *name {
            return Ok(pack);
        }
        Err(Error::Corrupt { key, why: format!("its SHA-256 is {}", pack.digest) })
    }

    /// Commit `n`: a segment and its packs; `None` where there is none.
    pub(crate) async fn commit(&self, n: u64) -> Result<Option<Commit>> {
        match self.segment(n).await? {
            Some(segment) => self.with_packs(&segment).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads the packs of a segment.
    pub(crate) async fn with_packs(&self, segment: &Segment) -> Result<Commit> {
        let reads = segment.header.packs.clone();
        let packs = stream::iter(reads).map(|p| async move { self.pack(&p).await }).buffered(PARALLEL_PACKS);
        // Extras are what is largest in records, and nobody asks a commit for them.
        let packs = packs.map_ok(|mut p| {
            super::commit::forget_extras(&mut p.records);
            p
        });
        let packs: Vec<Pack> = packs.try_collect().await?;
        Ok(Commit::assemble(segment, &packs))
    }

    /// The first files under a prefix, `limit` at most.
    async fn list(&self, prefix: &Prefix, after: Option<Key>, limit: usize) -> StoreResult<Vec<Key>> {
        let mut attempts = self.attempts();
        let mut found: Vec<Key> = Vec::new();
        loop {
            // After a failure it goes on behind what it has.
            let mut listed = self.store.list(prefix, found.last().or(after.as_ref())).take(limit - found.len());
            let error = loop {
                match listed.next().await {
                    Some(Ok(meta)) => found.push(meta.key),
                    Some(Err(e)) => break e,
                    None => return Ok(found),
                }
            };
            if !attempts.again(&error).await {
                return Err(error);
            }
        }
    }

    /// The numbers of the segments after `n`, ascending.
    pub(crate) async fn numbers_after(&self, n: u64) -> Result<Vec<u64>> {
        let after = (n > 0).then(|| self.keys.segment(n));
        let keys = self.list(&self.keys.log(), after, usize::MAX).await?;
        Ok(keys.iter().filter_map(|key| self.keys.segment_number(key)).collect())
    }

    /// The highest number of a checkpoint that is taken; 0 where there is none.
    pub(crate) async fn highest_checkpoint(&self) -> Result<u64> {
        Ok(self.checkpoint_below(None).await?.map_or(0, |(k, _)| k))
    }

    /// The first checkpoint behind a key in the listing: newest first.
    async fn checkpoint_below(&self, mut after: Option<Key>) -> Result<Option<(u64, Key)>> {
        loop {
            let Some(key) = self.list(&self.keys.checkpoints(), after, 1).await?.pop() else { return Ok(None) };
            match self.keys.checkpoint_number(&key) {
                Some(k) => return Ok(Some((k, key))),
                // Whatever it is, it is none of ours.
                None => after = Some(key),
            }
        }
    }

    /// The newest checkpoint that can be read, with its digest, and the highest number that is taken. A
    /// damaged one is skipped for its parent.
    pub(crate) async fn newest_checkpoint(&self) -> Result<(Option<(Checkpoint, Digest)>, u64)> {
        let (mut taken, mut after) = (0, None);
        while let Some((k, key)) = self.checkpoint_below(after.take()).await? {
            taken = taken.max(k);
            match self.checkpoint(k).await {
                Ok(Some(found)) => return Ok((Some(found), taken)),
                Ok(None) => {}
                Err(error @ Error::Corrupt { .. }) => {
                    tracing::warn!(%error, "skipping a damaged checkpoint and using the one before it");
                }
                Err(e) => return Err(e),
            }
            after = Some(key);
        }
        Ok((None, taken))
    }

    /// Checkpoint `k`; `None` where there is none.
    pub(crate) async fn checkpoint(&self, k: u64) -> Result<Option<(Checkpoint, Digest)>> {
        let key = self.keys.checkpoint(k);
        let bytes = match self.get(&key, None).await {
            Ok(bytes) => bytes,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let checkpoint = format::decode_checkpoint(&key, &bytes)?;
        if checkpoint.number != k {
            return Err(Error::Corrupt { key, why: format!("it claims to be checkpoint {}", checkpoint.number) });
        }
        Ok(Some((checkpoint, Digest::of_file(&bytes))))
    }

    async fn decode<T: Send + 'static>(
        &self,
        bytes: Bytes,
        decode: impl FnOnce(&[u8]) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if bytes.len() < OFFLOAD {
            return decode(&bytes);
        }
        self.runtime.offloaded(move || decode(&bytes)).await
    }
}
