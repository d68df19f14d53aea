//! What a selection takes of a cluster in memory. As an API server would, the cluster filters by labels itself.

use super::state::{ClusterState, namespace_id, parse};
use crate::{
    manifest::{Manifest, Map, Value},
    object::ObjectId,
    select::{Facts, Match, Selection},
};

/// The object, if the cluster shows it at all.
pub(super) fn shown(selection: &Selection, body: &[u8]) -> Option<Manifest> {
    let manifest = parse(body)?;
    let matches = selection.labels.as_ref().is_none_or(|selector| selector.matches(&map(&manifest, "labels")));
    matches.then_some(manifest)
}

/// Whether an object that is shown is selected.
pub(super) fn decide(
    selection: &Selection,
    state: &ClusterState,
    id: &ObjectId,
    manifest: &Manifest,
    bytes: usize,
) -> Match {
    let namespace = state.manifest(&namespace_id(&id.namespace));
    let inherited = namespace.as_ref().and_then(|manifest| map(manifest, "annotations"));
    let annotations = map(manifest, "annotations");
    let controller = manifest.owner_references().into_iter().find(|owner| owner.controller);
    let controller = controller.map(|owner| owner.group_kind());
    let facts = facts(id).annotations(&annotations).inherited(&inherited).bytes(bytes as u64);
    selection.decide(&match &controller {
        Some(owner) => facts.controller(&owner.group, &owner.kind),
        None => facts,
    })
}

/// Whether the selection looks where the object is.
pub(super) fn is_inside(selection: &Selection, id: &ObjectId) -> bool {
    selection.decide(&facts(id)) != Match::Outside
}

fn facts(id: &ObjectId) -> Facts<'_> {
    Facts::new(&id.group, &id.kind, &id.namespace, &id.name)
}

fn map<'a>(manifest: &'a Manifest, key: &str) -> Option<&'a Map> {
    manifest.get(&["metadata", key]).and_then(Value::as_object)
}
