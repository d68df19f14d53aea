//! The `tree/` view: each object as plain YAML beside its digest, to read, grep, diff and `kubectl apply`.
//!
//! A view follows the log from a saved position. It can be rebuilt at any time, and nothing in Bastion reads it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{
    Repository,
    format::{self, keys::ClusterKeys},
};
use crate::{
    error::{Error, Result},
    hash::Digest,
    object::ObjectId,
    record::Revision,
    runtime::RuntimeExt,
    store::{Key, Prefix, PutOptions, Store},
};

mod files;
mod keep;
mod rebuild;
mod show;
#[cfg(test)]
mod tests;

use show::Shown;

/// Objects whose files are written at a time.
const PARALLEL: usize = 16;
/// No report names more objects than this; the rest is counted.
const MAX_NAMED: usize = 1000;
/// The position is saved at least after so many segments.
const SAVE_AFTER: u64 = 256;

/// The view of one cluster, in `tree/<cluster>/`.
#[derive(Debug)]
pub struct TreeView {
    repository: Repository,
    target: Arc<dyn Store>,
    /// Whether that is the repository's own storage.
    own: bool,
    cluster: Arc<str>,
    keys: ClusterKeys,
    /// Once it was read and found to fit the log.
    position: Option<Position>,
}

/// Up to where a view is made; `_position.json` in its folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// The last segment that is in the view.
    segment: u64,
    /// SHA-256 of that segment.
    digest: String,
    /// Under which API versions the objects of each kind were ever written: an object that is deleted or
    /// comes in another version has its files there.
    versions: BTreeMap<String, BTreeSet<String>>,
}

/// What an update of a view did.
///
/// ```json
/// {"head":12,"written":3,"removed":1,"unshown":[{"object":"ConfigMap shop/a","why":"…"}],"unnamedUnshown":0}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ViewReport {
    /// Number of the last commit that is in the view now.
    pub head: u64,
    /// Objects that were written.
    pub written: u64,
    /// Objects that were removed.
    pub removed: u64,
    /// Objects that cannot be shown as YAML; they have only a `hash.txt`.
    pub unshown: Vec<UnshownObject>,
    /// Such objects beyond the first thousand.
    pub unnamed_unshown: u64,
}

/// An object that cannot be shown as YAML.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UnshownObject {
    /// Which object.
    #[serde(rename = "object", serialize_with = "crate::serialize::display")]
    pub id: ObjectId,
    /// Why not.
    pub why: String,
}

impl ViewReport {
    fn count(&mut self, done: Done) {
        match done {
            Done::Written => self.written += 1,
            Done::Removed => self.removed += 1,
            Done::Unshown(id, why) => {
                self.written += 1;
                if self.unshown.len() < MAX_NAMED {
                    self.unshown.push(UnshownObject { id, why });
                } else {
                    self.unnamed_unshown += 1;
                }
            }
        }
    }
}

/// What became of the files of one object.
enum Done {
    Written,
    Removed,
    Unshown(ObjectId, String),
}

impl Repository {
    /// The `tree/` view of a cluster, in the repository's own storage.
    pub fn tree_view(&self, cluster: &str) -> TreeView {
        TreeView {
            repository: self.clone(),
            target: self.store().clone(),
            own: true,
            cluster: cluster.into(),
            keys: ClusterKeys::new(cluster),
            position: None,
        }
    }
}

impl TreeView {
    /// Keeps the view in another store than the repository's.
    #[must_use]
    pub fn target(mut self, target: Arc<dyn Store>) -> Self {
        self.target = target;
        self.own = false;
        self
    }

    /// Brings the view up to the end of the log. A view that does not match the log is rebuilt.
    pub async fn update(&mut self) -> Result<ViewReport> {
        self.check_writable()?;
        let Some(mut position) = self.saved().await? else {
            return match self.rebuild().await {
                // Nothing was committed yet.
                Err(Error::UnknownCluster { .. }) => Ok(ViewReport::default()),
                other => other,
            };
        };
        let mut report = ViewReport { head: position.segment, ..ViewReport::default() };
        let mut unsaved = 0;
        while let Some(next) = self.follow(&mut position, &mut report).await? {
            (position.segment, position.digest) = next;
            report.head = position.segment;
            unsaved += 1;
            if unsaved == SAVE_AFTER {
                self.save(&position).await?;
                unsaved = 0;
            }
        }
        if unsaved > 0 {
            self.save(&position).await?;
        }
        self.position = Some(position);
        Ok(report)
    }

    /// The position, if there is one and the log still has that very segment.
    async fn saved(&mut self) -> Result<Option<Position>> {
        if let Some(position) = self.position.take() {
            return Ok(Some(position));
        }
        let Some(bytes) = self.get(&*self.target, &self.position_key()).await? else { return Ok(None) };
        // A damaged position is none: the view is made anew.
        let Ok(position) = serde_json::from_slice::<Position>(&bytes) else { return Ok(None) };
        let segment = self.get(self.repository.store(), &self.keys.segment(position.segment)).await?;
        let fits = segment.is_some_and(|s| Digest::of_file(&s).to_string() == position.digest);
        Ok(fits.then_some(position))
    }

    async fn save(&self, position: &Position) -> Result<()> {
        let text =
            serde_json::to_vec_pretty(position).map_err(|e| Error::Invalid(format!("a view's position: {e}")))?;
        self.target.put(&self.position_key(), text.into(), &PutOptions::overwrite()).await?;
        Ok(())
    }

    /// Shows the next segment and its packs; `None` at the end of the log.
    async fn follow(&self, position: &mut Position, report: &mut ViewReport) -> Result<Option<(u64, String)>> {
        let key = self.keys.segment(position.segment + 1);
        let Some(bytes) = self.get(self.repository.store(), &key).await? else { return Ok(None) };
        let (segment, bytes) = self.decode(key.clone(), bytes, format::decode_segment).await?;
        if segment.header.previous.to_string() != position.digest {
            let why = "it does not continue the segment that the view ends with".into();
            return Err(Error::Corrupt { key, why });
        }
        for pack in &segment.header.packs {
            let pack_key = self.keys.pack(&pack.name);
            let Some(bytes) = self.get(self.repository.store(), &pack_key).await? else {
                return Err(Error::Corrupt { key: pack_key, why: format!("it is missing; {key} needs it") });
            };
            let (read, bytes) = self.decode(pack_key.clone(), bytes, format::decode_pack).await?;
            let revisions = read.revisions(segment.origin(), &pack.dropped);
            self.show_file(&pack_key, &bytes, revisions, position, report).await?;
        }
        self.show_file(&key, &bytes, segment.revisions(), position, report).await?;
        Ok(Some((segment.header.number, segment.digest.to_string())))
    }

    async fn decode<T: Send + 'static>(
        &self,
        key: Key,
        bytes: Bytes,
        decode: impl FnOnce(&Key, &[u8]) -> Result<T> + Send + 'static,
    ) -> Result<(T, Bytes)> {
        let work = move || decode(&key, &bytes).map(|decoded| (decoded, bytes));
        self.repository.runtime().offloaded(work).await
    }

    /// Shows the newest state of each object in a segment or pack, block by block.
    async fn show_file(
        &self,
        key: &Key,
        bytes: &Bytes,
        revisions: impl Iterator<Item = Revision>,
        position: &mut Position,
        report: &mut ViewReport,
    ) -> Result<()> {
        let mut newest: BTreeMap<ObjectId, Revision> = BTreeMap::new();
        for revision in revisions {
            let older = newest.get(&revision.id).is_some_and(|n| revision.order.compare(&n.order).is_lt());
            if !older {
                newest.insert(revision.id.clone(), revision);
            }
        }
        let mut blocks: BTreeMap<(u64, u32, u32), Vec<Revision>> = BTreeMap::new();
        let mut gone = Vec::new();
        for revision in newest.into_values() {
            match revision.place {
                Some(p) => blocks.entry((p.block_start, p.block_len, p.block_raw)).or_default().push(revision),
                None => gone.push(Shown::Gone(revision.id)),
            }
        }
        self.write_all(gone, position, report).await?;
        for ((start, len, raw), revisions) in blocks {
            let span = format::Span { start, len, raw };
            let (key, bytes, hasher) = (key.clone(), bytes.clone(), self.repository.hasher());
            let shown = move || show::block(&key, &bytes, span, revisions, &*hasher);
            let shown = self.repository.runtime().offloaded(shown).await?;
            self.write_all(shown, position, report).await?;
        }
        Ok(())
    }

    /// Writes what is shown, some objects at a time.
    async fn write_all(&self, shown: Vec<Shown>, position: &mut Position, report: &mut ViewReport) -> Result<()> {
        for object in &shown {
            if let Shown::There { id, version, .. } = object {
                position.versions.entry(id.group_kind().to_string()).or_default().insert(version.to_string());
            }
        }
        let versions = &position.versions;
        let mut done = stream::iter(shown).map(|object| self.write(object, versions)).buffer_unordered(PARALLEL);
        while let Some(done) = done.try_next().await? {
            report.count(done);
        }
        Ok(())
    }

    async fn get(&self, store: &dyn Store, key: &Key) -> Result<Option<Bytes>> {
        match store.get(key, None).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.is_not_found() => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    fn check_writable(&self) -> Result<()> {
        if self.own { self.repository.check_writable() } else { Ok(()) }
    }

    fn folder(&self) -> Prefix {
        Prefix::from_segments(["tree", &*self.cluster])
    }

    fn position_key(&self) -> Key {
        // No API group begins with `_`.
        self.folder().key(&Key::from_segments(["_position.json"]))
    }
}
