use crate::{
    manifest::{Manifest, Map, Value},
    object::GroupKind,
};

/// Whether that is the kind.
pub(crate) fn is(kind: &GroupKind, group: &str, name: &str) -> bool {
    &*kind.group == group && &*kind.kind == name
}

/// Removes keys from the map at a path; an empty map that stays behind goes where `prune` says so.
pub(super) fn remove_keys(manifest: &mut Manifest, path: &[&str], keys: &[&str], prune: bool) {
    let Some(map) = manifest.get_mut(path).and_then(Value::as_object_mut) else { return };
    let before = map.len();
    map.retain(|key, _| !keys.contains(&key.as_str()));
    if prune && map.len() < before && map.is_empty() {
        manifest.remove(path);
    }
}

/// The maps in the list at a path.
pub(super) fn maps<'a>(manifest: &'a mut Manifest, path: &[&str]) -> impl Iterator<Item = &'a mut Map> {
    let list = manifest.get_mut(path).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}
