//! Following a log commit by commit: for views, and for people.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::{Repository, commit::Commit, log::Log};
use crate::{
    error::{Error, Result},
    hash::Digest,
    record::{Acknowledgement, Position, Revision, Withheld},
    time::Timestamp,
};

/// How many commits are read ahead.
const READ_AHEAD: usize = 8;

/// One commit of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogEntry {
    /// Its number.
    pub number: u64,
    /// SHA-256 of its segment.
    pub digest: Digest,
    /// When it was made.
    pub at: Timestamp,
    /// The incarnation of its revisions.
    pub incarnation: u32,
    /// uid of namespace kube-system.
    pub cluster_uid: Arc<str>,
    /// Which run of a writer made it.
    pub writer: Arc<str>,
    /// The role of that writer.
    pub role: Arc<str>,
    /// Its epoch in that role; 0 if the role is not fenced.
    pub epoch: u64,
    /// Bytes of its segment and packs.
    pub stored: u64,
    /// Positions that moved.
    pub positions: Vec<Position>,
    /// Withheld deletions that changed.
    pub withheld: Vec<Withheld>,
    /// Withheld deletions that somebody acknowledged.
    pub acknowledgements: Vec<Acknowledgement>,
    /// Its revisions, in the order of the log.
    pub revisions: Vec<Revision>,
}

impl From<Commit> for LogEntry {
    fn from(commit: Commit) -> Self {
        let stored = commit.stored();
        let h = commit.header;
        Self {
            number: h.number,
            digest: commit.digest,
            at: h.at,
            incarnation: h.incarnation,
            cluster_uid: h.common.cluster_uid,
            writer: h.common.writer,
            role: h.role,
            epoch: h.epoch,
            stored,
            positions: h.positions,
            withheld: h.withheld,
            acknowledgements: h.accepted,
            revisions: commit.revisions,
        }
    }
}

impl Repository {
    /// The commits after number `after` (0 for all) up to the present end of the log. To read on, call it again with the
    /// last number.
    ///
    /// [`Error::Corrupt`] names a segment that is missing. If it is the first one, the consumer's position is older than
    /// what the log still has: it starts again from a [`super::Snapshot`].
    pub fn log(&self, cluster: &str, after: u64) -> BoxStream<'static, Result<LogEntry>> {
        let log = Log::new(self, cluster);
        let numbers = {
            let log = log.clone();
            // What a LIST lacks before its last is asked for by name: see `Log::after`.
            async move { Ok::<_, Error>(after + 1..=log.numbers_after(after).await?.last().copied().unwrap_or(after)) }
        };
        let numbers = stream::once(numbers).map_ok(|all| stream::iter(all.map(Ok::<_, Error>))).try_flatten();
        let entries = numbers.map_ok(move |n: u64| {
            let log = log.clone();
            async move {
                let missing = || Error::Corrupt { key: log.keys.segment(n), why: "it is missing".into() };
                log.commit(n).await?.map(LogEntry::from).ok_or_else(missing)
            }
        });
        entries.try_buffered(READ_AHEAD).boxed()
    }
}
