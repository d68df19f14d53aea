//! Reading index files, block by block.

use std::sync::Arc;

use futures::{
    future,
    stream::{self, BoxStream, StreamExt, TryStreamExt},
};
use quick_cache::sync::Cache;
use tokio::sync::OnceCell;

use super::{
    format::{self, IndexBlock, IndexFooter, IndexRef, Section},
    log::Log,
};
use crate::{
    error::{Error, Result},
    hash::Digest,
    object::{GroupKind, ObjectId},
    record::Revision,
    store::Key,
};

/// How many blocks a look-up keeps: some hundred revisions each, 15 MB in all.
const CACHED_BLOCKS: usize = 64;
/// How many blocks of a section are read ahead of a pass over it.
const READ_AHEAD: usize = 2;
/// How many files one look-up asks at the same time.
const PARALLEL_FILES: usize = 8;

/// Which objects a pass looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Range {
    All,
    Kind(GroupKind),
    Object(ObjectId),
}

impl Range {
    /// Where its first object could be.
    pub(crate) fn start(&self) -> ObjectId {
        match self {
            Self::All => ObjectId::new(&GroupKind::new("", ""), "", ""),
            Self::Kind(kind) => ObjectId::new(kind, "", ""),
            Self::Object(id) => id.clone(),
        }
    }

    /// Whether all of it lies before this object.
    pub(crate) fn is_before(&self, id: &ObjectId) -> bool {
        match self {
            Self::All => false,
            Self::Kind(kind) => (&kind.group, &kind.kind) < (&id.group, &id.kind),
            Self::Object(object) => object < id,
        }
    }

    /// Whether it takes this object.
    pub(crate) fn contains(&self, id: &ObjectId) -> bool {
        match self {
            Self::All => true,
            Self::Kind(kind) => (&kind.group, &kind.kind) == (&id.group, &id.kind),
            Self::Object(object) => object == id,
        }
    }

    fn blocks<'a>(&self, footer: &'a IndexFooter, section: Section) -> &'a [IndexBlock] {
        match self {
            Self::All => footer.section(section),
            Self::Kind(kind) => footer.blocks_of_kind(section, kind),
            Self::Object(id) => footer.blocks_of(section, id),
        }
    }
}

/// Which block: the file's name and where in it.
type BlockAt = (Digest, u64);

/// The index files of a checkpoint. Cheap to clone; footers and blocks that were read are shared.
#[derive(Debug, Clone)]
pub(crate) struct IndexFiles {
    log: Log,
    files: Arc<[Arc<File>]>,
    blocks: Arc<Cache<BlockAt, Arc<Vec<Revision>>>>,
}

#[derive(Debug)]
struct File {
    reference: IndexRef,
    key: Key,
    footer: OnceCell<Arc<IndexFooter>>,
}

impl IndexFiles {
    pub(crate) fn new(log: &Log, references: &[IndexRef]) -> Self {
        let none = Self { log: log.clone(), files: Arc::new([]), blocks: Arc::new(Cache::new(CACHED_BLOCKS)) };
        none.replaced(references)
    }

    /// The files of another checkpoint; those that both have keep what was read of them.
    pub(crate) fn replaced(&self, references: &[IndexRef]) -> Self {
        let open = |r: &IndexRef| {
            let known = self.files.iter().find(|f| f.reference.name == r.name);
            known.cloned().unwrap_or_else(|| {
                Arc::new(File { reference: *r, key: self.log.keys.index(&r.name), footer: OnceCell::new() })
            })
        };
        Self { files: references.iter().map(open).collect(), ..self.clone() }
    }

    /// The newest state of an object in each file that has one, oldest file first.
    pub(crate) async fn newest(&self, id: &ObjectId) -> Result<Vec<Revision>> {
        let files: Vec<_> = self.files.iter().cloned().collect();
        let found = stream::iter(files).map(|file| self.lookup(file, id)).buffered(PARALLEL_FILES);
        found
            .try_fold(Vec::new(), |mut all, found| {
                future::ready({
                    all.extend(found);
                    Ok(all)
                })
            })
            .await
    }

    async fn lookup(&self, file: Arc<File>, id: &ObjectId) -> Result<Vec<Revision>> {
        let footer = self.footer(&file).await?;
        let mut found = Vec::new();
        for block in footer.blocks_of(Section::Live, id) {
            let at = (file.reference.name, block.span.start);
            let read = async { self.read(&file, block).await.map(Arc::new) };
            let revisions = self.blocks.get_or_insert_async(&at, read).await?;
            let from = revisions.partition_point(|v| v.id < *id);
            found.extend(revisions[from..].iter().take_while(|v| v.id == *id).cloned());
        }
        Ok(found)
    }

    /// One stream a section: its revisions by id, in blocks. Past sections only where `all` is said. The
    /// streams of older files come first, and the past of a file before its live section.
    pub(crate) fn sources(&self, range: &Range, all: bool) -> Vec<BoxStream<'static, Result<Vec<Revision>>>> {
        let sections: &[Section] = if all { &[Section::Past, Section::Live] } else { &[Section::Live] };
        let files = self.files.iter().flat_map(|f| sections.iter().map(move |s| (f, *s)));
        let worth = files.filter(|(f, s)| *s == Section::Live || f.reference.past > 0);
        worth.map(|(file, section)| self.clone().pass(file.clone(), section, range.clone())).collect()
    }

    fn pass(self, file: Arc<File>, section: Section, range: Range) -> BoxStream<'static, Result<Vec<Revision>>> {
        let blocks = {
            let (this, file, range) = (self.clone(), file.clone(), range.clone());
            async move {
                let footer = this.footer(&file).await?;
                let blocks = range.blocks(&footer, section).to_vec();
                Ok::<_, Error>(stream::iter(blocks.into_iter().map(Ok)))
            }
        };
        stream::once(blocks)
            .try_flatten()
            .map_ok(move |block: IndexBlock| {
                let (this, file, range) = (self.clone(), file.clone(), range.clone());
                async move {
                    let mut revisions = this.read(&file, &block).await?;
                    revisions.retain(|v| range.contains(&v.id));
                    Ok(revisions)
                }
            })
            .try_buffered(READ_AHEAD)
            .boxed()
    }

    async fn footer(&self, file: &File) -> Result<Arc<IndexFooter>> {
        let read = async {
            let span = file.reference.footer;
            let stored = self.log.get_existing(&file.key, Some(span.range())).await?;
            format::decode_index_footer(&file.key, &stored, span.raw).map(Arc::new)
        };
        file.footer.get_or_try_init(|| read).await.cloned()
    }

    async fn read(&self, file: &File, block: &IndexBlock) -> Result<Vec<Revision>> {
        let stored = self.log.get_existing(&file.key, Some(block.span.range())).await?;
        format::decode_index_block(&file.key, &stored, block)
    }
}
