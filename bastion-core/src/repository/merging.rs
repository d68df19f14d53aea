//! Merging index files: many small ones become few, so that a look-up asks few.

use bytes::Bytes;
use futures::stream::TryStreamExt;

use super::{
    files::{IndexFiles, Range},
    format::{IndexHeader, IndexRef, IndexWriter, Section},
    log::Log,
    merge, order,
};
use crate::{error::Result, record::Revision, runtime::RuntimeExt};

/// So many neighbours are merged at a time.
const NEIGHBOURS: usize = 8;
/// Nothing larger is made: a checkpoint must not take minutes.
const LARGEST: u64 = 64 << 20;
/// So many states of one object are put into one file, at some 70 bytes each: a file is full at 8 MiB, which
/// is seen between objects only, and none may have more than 16 MiB.
const LONGEST: usize = 32 << 10;

/// Where the files begin that shall become one: the last eight ranges of segments, if none of them is as
/// large as the others together. So whatever is written again ends up in something twice as large at least.
pub(crate) fn worth_merging(files: &[IndexRef]) -> Option<usize> {
    let range = |f: &IndexRef| (f.first_segment, f.last_segment);
    let ranges: Vec<&[IndexRef]> = files.chunk_by(|a, b| range(a) == range(b)).collect();
    let last = ranges.get(ranges.len().checked_sub(NEIGHBOURS)?..)?;
    let sizes = last.iter().map(|files| files.iter().map(|f| f.size).sum::<u64>());
    let (sum, max) = sizes.fold((0, 0), |(sum, max), size| (sum + size, size.max(max)));
    (max <= sum / 2 && sum <= LARGEST).then(|| files.len() - last.iter().map(|files| files.len()).sum::<usize>())
}

/// Adds an object with all its states. Yields the writers that must be finished before `writer`, which goes
/// on: a past that is too long for one file goes into several, its oldest states first.
pub(crate) fn add_object(writer: &mut IndexWriter, revisions: Vec<Revision>) -> Result<Vec<IndexWriter>> {
    let mut full = Vec::new();
    let mut states = order::arrange(revisions);
    if writer.is_full() {
        full.push(std::mem::take(writer));
    }
    while states.len() > LONGEST {
        for revision in states.split_off(states.len() - LONGEST) {
            writer.push(Section::Past, revision)?;
        }
        full.push(std::mem::take(writer));
    }
    let mut section = Section::Live;
    for revision in states {
        writer.push(section, revision)?;
        section = Section::Past;
    }
    Ok(full)
}

impl Log {
    /// Makes one of the files (or several that split the objects, if it is too large for one) and stores it.
    pub(crate) async fn merge_indexes(&self, files: &[IndexRef], header: IndexHeader) -> Result<Vec<IndexRef>> {
        let first = files.first().map_or(0, |f| f.first_segment);
        let last = files.last().map_or(0, |f| f.last_segment);
        let header = IndexHeader { first_segment: first, last_segment: last, ..header };
        let mut objects = std::pin::pin!(merge::merge(IndexFiles::new(self, files).sources(&Range::All, true)));
        let mut merged = Vec::new();
        let mut writer = IndexWriter::new();
        while let Some(revisions) = objects.try_next().await? {
            for full in add_object(&mut writer, revisions)? {
                merged.push(self.finish_index(full, &header).await?);
            }
        }
        if !writer.is_empty() {
            merged.push(self.finish_index(writer, &header).await?);
        }
        Ok(merged)
    }

    async fn finish_index(&self, writer: IndexWriter, header: &IndexHeader) -> Result<IndexRef> {
        let header = header.clone();
        let made = self.runtime.offloaded(move || writer.finish(&header).map(|(sealed, r)| (sealed.bytes, r)));
        let (bytes, reference): (Bytes, IndexRef) = made.await?;
        self.store_named(&self.keys.index(&reference.name), &bytes).await?;
        Ok(reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(sizes: &[u64]) -> Vec<IndexRef> {
        let numbered = sizes.iter().zip(1..);
        numbered
            .map(|(size, n)| IndexRef { size: *size, first_segment: n, last_segment: n, ..IndexRef::default() })
            .collect()
    }

    #[test]
    fn eight_neighbours_of_a_size_are_merged() {
        assert_eq!(worth_merging(&files(&[1; 7])), None);
        assert_eq!(worth_merging(&files(&[1; 8])), Some(0));
        assert_eq!(worth_merging(&files(&[9, 9, 1, 2, 1, 3, 1, 1, 2, 2])), Some(2));
        // One that is larger than the rest waits for more.
        assert_eq!(worth_merging(&files(&[8, 1, 1, 1, 1, 1, 1, 1])), None);
        assert_eq!(worth_merging(&files(&[8, 1, 1, 1, 1, 1, 1, 1, 1])), Some(1));
        assert_eq!(worth_merging(&files(&[LARGEST / 8 + 1; 8])), None);
    }

    #[test]
    fn however_many_are_written_few_remain_and_none_is_rewritten_often() {
        let (mut all, mut rewritten) = (Vec::new(), 0);
        for n in 1..=5_000 {
            all.push(IndexRef { size: 1 + n % 3, first_segment: n, last_segment: n, ..IndexRef::default() });
            while let Some(from) = worth_merging(&all) {
                let size = all[from..].iter().map(|f| f.size).sum();
                rewritten += size;
                let one = IndexRef { size, last_segment: n, ..all[from] };
                all.truncate(from);
                all.push(one);
            }
            assert!(all.len() < 64, "{} files after {n}", all.len());
        }
        assert!(rewritten < 12 * 10_000, "{rewritten}");
    }
}
