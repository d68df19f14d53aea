use super::{
    error::ManifestError,
    owner::{OwnerReference, group_of, owner_reference},
    parse,
    path::PathSet,
    text::Text,
    value::{Map, Value},
};
use crate::object::{GroupKind, ObjectId};

/// One object, as a tree of values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Manifest {
    root: Map,
}

impl Manifest {
    /// Parses an object's JSON. What is at a path of `skip` is skipped and takes no memory.
    ///
    /// The last of duplicate keys wins, `-0` is 0, integers beyond u64 become doubles, and a number beyond the
    /// doubles is an error. The result depends on none of `serde_json`'s Cargo features.
    pub fn parse(json: &[u8], skip: &PathSet) -> Result<Self, ManifestError> {
        match parse::parse(json, skip)? {
            Value::Object(root) => Ok(Self { root }),
            _ => Err(ManifestError::NotAnObject),
        }
    }

    /// The whole tree.
    pub fn root(&self) -> &Map {
        &self.root
    }

    /// The whole tree, to change it.
    pub fn root_mut(&mut self) -> &mut Map {
        &mut self.root
    }

    /// The value at a path of map keys.
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        let (last, parents) = path.split_last()?;
        let mut map = &self.root;
        for key in parents {
            map = map.get(*key)?.as_object()?;
        }
        map.get(*last)
    }

    /// The value at a path of map keys, to change it.
    pub fn get_mut(&mut self, path: &[&str]) -> Option<&mut Value> {
        let (last, parents) = path.split_last()?;
        self.map_mut(parents)?.get_mut(*last)
    }

    /// The text at a path of map keys.
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// Removes the value at a path of map keys and returns it.
    pub fn remove(&mut self, path: &[&str]) -> Option<Value> {
        let (last, parents) = path.split_last()?;
        self.map_mut(parents)?.remove(*last)
    }

    /// Sets the value at a path of map keys and makes the maps on the way; a value of another type on the way
    /// is replaced.
    pub fn set(&mut self, path: &[&str], value: Value) {
        let Some((last, parents)) = path.split_last() else { return };
        let mut map = &mut self.root;
        for key in parents {
            map = map.entry(Text::from(*key)).or_default().make_object();
        }
        map.insert(Text::from(*last), value);
    }

    fn map_mut(&mut self, path: &[&str]) -> Option<&mut Map> {
        let mut map = &mut self.root;
        for key in path {
            map = map.get_mut(*key)?.as_object_mut()?;
        }
        Some(map)
    }

    /// `apiVersion`.
    pub fn api_version(&self) -> Option<&str> {
        self.text(&["apiVersion"])
    }

    /// The group in `apiVersion`; empty for the core group.
    pub fn group(&self) -> &str {
        group_of(self.api_version().unwrap_or_default())
    }

    /// `kind`.
    pub fn kind(&self) -> Option<&str> {
        self.text(&["kind"])
    }

    /// `metadata.namespace`; `None` for objects of the cluster itself.
    pub fn namespace(&self) -> Option<&str> {
        self.text(&["metadata", "namespace"])
    }

    /// `metadata.name`.
    pub fn name(&self) -> Option<&str> {
        self.text(&["metadata", "name"])
    }

    /// `metadata.uid`.
    pub fn uid(&self) -> Option<&str> {
        self.text(&["metadata", "uid"])
    }

    /// `metadata.resourceVersion`.
    pub fn resource_version(&self) -> Option<&str> {
        self.text(&["metadata", "resourceVersion"])
    }

    /// The id that the object states; `None` without a kind or a name.
    pub fn id(&self) -> Option<ObjectId> {
        let kind = GroupKind::new(self.group(), self.kind()?);
        Some(ObjectId::new(&kind, self.namespace().unwrap_or_default(), self.name()?))
    }

    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.text(&["metadata", "labels", key])
    }

    /// An annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.text(&["metadata", "annotations", key])
    }

    /// `metadata.labels`.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts(&["metadata", "labels"])
    }

    /// `metadata.annotations`.
    pub fn annotations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts(&["metadata", "annotations"])
    }

    fn texts(&self, path: &[&str]) -> impl Iterator<Item = (&str, &str)> {
        let map = self.get(path).and_then(Value::as_object);
        map.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }

    /// `metadata.ownerReferences`, those that name a kind and an object.
    pub fn owner_references(&self) -> Vec<OwnerReference> {
        let list = self.get(&["metadata", "ownerReferences"]).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(owner_reference).collect()
    }
}

impl From<Map> for Manifest {
    fn from(root: Map) -> Self {
        Self { root }
    }
}

impl From<Manifest> for Value {
    fn from(manifest: Manifest) -> Self {
        Self::Object(manifest.root)
    }
}

impl serde::Serialize for Manifest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.root.serialize(serializer)
    }
}

impl PathSet {
    /// Takes everything at these places out of an object.
    pub fn remove_from(&self, manifest: &mut Manifest) {
        self.remove_from_map(manifest.root_mut());
    }
}
