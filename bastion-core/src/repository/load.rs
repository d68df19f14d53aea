//! Reading the end of a log: the newest checkpoint, and the segments after it.

use futures::stream::{self, StreamExt, TryStreamExt};

use super::{
    commit::Commit,
    format::{Checkpoint, IndexRef},
    log::Log,
    state::LogState,
    tail::Tail,
};
use crate::{
    error::{Error, Result},
    hash::Digest,
};

/// How many segments are read at the same time.
const PARALLEL_SEGMENTS: usize = 16;
/// How often reading begins anew where the log was swept beneath it.
const ATTEMPTS: usize = 4;

/// The end of a log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Loaded {
    pub(crate) state: LogState,
    /// The checkpoint that it stands on.
    pub(crate) base: Option<Base>,
    /// The highest number of a checkpoint that is taken, be it by a damaged one.
    pub(crate) checkpoints: u64,
    /// What came after that.
    pub(crate) tail: Tail,
}

/// A checkpoint and its digest.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) digest: Digest,
}

impl Loaded {
    /// The index files beneath the tail.
    pub(crate) fn indexes(&self) -> &[IndexRef] {
        self.base.as_ref().map_or(&[], |b| &b.checkpoint.indexes)
    }
}

/// What lies after a segment.
pub(crate) enum Next {
    /// These commits, in order.
    Commits(Vec<Commit>),
    /// Some are missing before others: they were swept, so a newer checkpoint covers them, or are lost.
    Gap(u64),
}

impl Log {
    /// Reads the end of the log.
    pub(crate) async fn load(&self) -> Result<Loaded> {
        let mut missing = 0;
        for _ in 0..ATTEMPTS {
            let (base, checkpoints) = self.newest_checkpoint().await?;
            let base = base.map(|(checkpoint, digest)| Base { checkpoint, digest });
            let state = base.as_ref().map(|b| LogState::from_checkpoint(&b.checkpoint)).unwrap_or_default();
            let mut loaded = Loaded { state, base, checkpoints, tail: Tail::default() };
            match self.after(loaded.state.head.number).await? {
                Next::Gap(n) => missing = n,
                Next::Commits(commits) => {
                    for commit in commits {
                        loaded.state.apply(&self.keys.segment(commit.header.number), &commit)?;
                        loaded.tail.push(commit);
                    }
                    return Ok(loaded);
                }
            }
        }
        Err(Error::Corrupt { key: self.keys.segment(missing), why: "it is missing, but later ones exist".into() })
    }

    /// The commits after segment `n`.
    pub(crate) async fn after(&self, n: u64) -> Result<Next> {
        let numbers = self.numbers_after(n).await?;
        // A LIST may have passed a place before the segment there was created and then have seen the next
        // one: what it lacks is asked for by name.
        let Some(last) = numbers.last().copied() else { return Ok(Next::Commits(Vec::new())) };
        let reads = stream::iter(n + 1..=last).map(|n| async move { Ok::<_, Error>((n, self.commit(n).await?)) });
        let mut reads = reads.buffered(PARALLEL_SEGMENTS);
        let mut commits = Vec::new();
        while let Some((n, commit)) = reads.try_next().await? {
            match commit {
                Some(commit) => commits.push(commit),
                None => return Ok(Next::Gap(n)),
            }
        }
        Ok(Next::Commits(commits))
    }
}
