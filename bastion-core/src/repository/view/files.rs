//! The files of one object in a view.

use std::collections::{BTreeMap, BTreeSet};

use super::{Done, Shown, TreeView};
use crate::{
    error::Result,
    object::ObjectId,
    store::{Key, PutOptions},
};

const MANIFEST: &str = "manifest.yaml";
const HASH: &str = "hash.txt";

impl TreeView {
    /// Writes or removes the files of an object. The manifest goes first: a digest beside an older manifest
    /// would be a lie for longer than the other way round.
    pub(super) async fn write(&self, shown: Shown, known: &BTreeMap<String, BTreeSet<String>>) -> Result<Done> {
        let (id, current) = match &shown {
            Shown::There { id, version, .. } => (id, Some(&**version)),
            Shown::Gone(id) => (id, None),
        };
        for version in known.get(&id.group_kind().to_string()).into_iter().flatten() {
            if Some(version.as_str()) != current {
                self.target.delete(&self.file(id, version, MANIFEST)).await?;
                self.target.delete(&self.file(id, version, HASH)).await?;
            }
        }
        let Shown::There { id, version, digest, yaml } = shown else { return Ok(Done::Removed) };
        let manifest = self.file(&id, &version, MANIFEST);
        let unshown = match yaml {
            Ok(yaml) => {
                self.target.put(&manifest, yaml.into(), &PutOptions::overwrite()).await?;
                None
            }
            Err(why) => {
                // Not the manifest of an older state beside this state's digest.
                self.target.delete(&manifest).await?;
                Some(why)
            }
        };
        let hash = format!("{}:{digest}", self.repository.info().algorithm);
        self.target.put(&self.file(&id, &version, HASH), hash.into(), &PutOptions::overwrite()).await?;
        Ok(unshown.map_or(Done::Written, |why| Done::Unshown(id, why)))
    }

    fn file(&self, id: &ObjectId, version: &str, name: &str) -> Key {
        let group = if id.group.is_empty() { "core" } else { &id.group };
        let namespace = if id.namespace.is_empty() { "_cluster" } else { &id.namespace };
        Key::from_segments(["tree", &*self.cluster, group, version, &*id.kind, namespace, &*id.name, name])
    }

    /// The folder of an object, hashed: what a rebuild remembers of it.
    pub(super) fn folder_hash(&self, id: &ObjectId, version: &str) -> u128 {
        folder_hash(&self.file(id, version, HASH))
    }
}

/// The folder that a file lies in, hashed.
pub(super) fn folder_hash(file: &Key) -> u128 {
    let folder = file.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
    let digest = crate::hash::Digest::of_file(folder.as_bytes());
    let (half, _) = digest.as_bytes().split_at(16);
    half.iter().fold(0, |n, b| n << 8 | u128::from(*b))
}
