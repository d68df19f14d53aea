//! One pass over many sorted streams: all states of one object at a time.

use std::{cmp::Reverse, collections::BinaryHeap};

use futures::{
    future,
    stream::{self, BoxStream, Stream, StreamExt, TryStreamExt},
};

use crate::{error::Result, object::ObjectId, record::Revision};

/// A stream of revisions by id, in blocks.
pub(crate) type Source = BoxStream<'static, Result<Vec<Revision>>>;

/// How many sources read their first block at the same time.
const PARALLEL_STARTS: usize = 16;

/// Merges sources that are sorted by id: yields the revisions of one object after the other. Of each source
/// one block is in memory (and what it reads ahead).
///
/// Within an object the revisions of earlier sources come first, those of one source in reverse: index files
/// hold them newest first.
pub(crate) fn merge(sources: Vec<Source>) -> impl Stream<Item = Result<Vec<Revision>>> + Send + 'static {
    stream::try_unfold(Merge::Unread(sources), |merge| async {
        let mut reading = match merge {
            Merge::Unread(sources) => Reading::begin(sources).await?,
            Merge::Reading(reading) => reading,
        };
        let next = reading.next().await?;
        Ok(next.map(|revisions| (revisions, Merge::Reading(reading))))
    })
}

enum Merge {
    Unread(Vec<Source>),
    Reading(Reading),
}

struct Reading {
    cursors: Vec<Cursor>,
    /// The next id of each cursor that has one.
    heap: BinaryHeap<Reverse<(ObjectId, usize)>>,
}

struct Cursor {
    source: Source,
    block: std::iter::Peekable<std::vec::IntoIter<Revision>>,
}

impl Cursor {
    async fn begin(source: Source) -> Result<Self> {
        let mut cursor = Self { source, block: Vec::new().into_iter().peekable() };
        cursor.peek().await?;
        Ok(cursor)
    }

    async fn peek(&mut self) -> Result<Option<&Revision>> {
        while self.block.peek().is_none() {
            match self.source.try_next().await? {
                Some(block) => self.block = block.into_iter().peekable(),
                None => return Ok(None),
            }
        }
        Ok(self.block.peek())
    }
}

impl Reading {
    async fn begin(sources: Vec<Source>) -> Result<Self> {
        let starts: Vec<_> = sources.into_iter().map(Cursor::begin).collect();
        let mut cursors: Vec<Cursor> = stream::iter(starts).buffered(PARALLEL_STARTS).try_collect().await?;
        let firsts = cursors.iter_mut().enumerate();
        let heap = firsts.filter_map(|(i, c)| c.block.peek().map(|v| Reverse((v.id.clone(), i)))).collect();
        Ok(Self { cursors, heap })
    }

    async fn next(&mut self) -> Result<Option<Vec<Revision>>> {
        let Some(Reverse((id, first))) = self.heap.pop() else { return Ok(None) };
        let mut of_id = vec![first];
        while let Some(Reverse((next, _))) = self.heap.peek() {
            if *next != id {
                break;
            }
            of_id.extend(self.heap.pop().map(|Reverse((_, i))| i));
        }
        let mut out = Vec::new();
        for i in of_id {
            let from = out.len();
            let cursor = &mut self.cursors[i];
            let after = loop {
                match cursor.peek().await? {
                    Some(v) if v.id == id => out.extend(cursor.block.next()),
                    Some(v) => break Some(v.id.clone()),
                    None => break None,
                }
            };
            out[from..].reverse();
            self.heap.extend(after.map(|id| Reverse((id, i))));
        }
        Ok(Some(out))
    }
}

/// A source of what is in memory already.
pub(crate) fn in_memory(revisions: Vec<Revision>) -> Source {
    stream::once(future::ready(Ok(revisions))).boxed()
}
