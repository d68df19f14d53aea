//! From what people write to stored objects. A log knows kinds by group and name only; the other names of custom
//! resources are in their stored definitions.

use std::collections::BTreeSet;

use bastion_core::{
    manifest::{Manifest, PathSet, Value},
    object::{GroupKind, ObjectId},
    record::{Revision, RevisionState},
    repository::{ObjectFilter, Snapshot},
    restore::RestorePlan,
    select::KindWord,
};
use futures::{StreamExt, TryStreamExt};

use crate::{
    error::{Error, Result},
    missing::Missing,
    spec::{ObjectWord, ObjectsSpec, RestoreSpec, SpecError},
};

/// What these words mean among the kinds of the log.
async fn filter(snapshot: &Snapshot, which: &ObjectsSpec) -> Result<ObjectFilter> {
    which.validate()?;
    let mut filter = ObjectFilter::all();
    filter.labels.clone_from(&which.labels);
    filter.namespaces = which.namespace.as_deref().map(|name| vec![name.into()]);
    if !which.kinds.is_empty() {
        filter.kinds = Some(kinds(snapshot, &which.kinds).await?);
    }
    for object in &which.objects {
        for kind in kinds(snapshot, std::slice::from_ref(&object.kind)).await? {
            filter = filter.object(kind, object.name.as_str());
        }
    }
    Ok(filter)
}

/// The stored objects that are meant, in the order of their ids.
pub(crate) async fn select(snapshot: &Snapshot, which: &ObjectsSpec, gone_too: bool) -> Result<Vec<Revision>> {
    let filter = filter(snapshot, which).await?;
    let filter = if gone_too { filter.any_state() } else { filter };
    Ok(snapshot.objects(filter).try_collect().await?)
}

/// Plans the restore of what is meant.
pub(crate) async fn plan(snapshot: &Snapshot, spec: &RestoreSpec) -> Result<RestorePlan> {
    let filter = filter(snapshot, &spec.objects).await?;
    let plan = snapshot.clone().select(filter).restore_plan(&spec.options()).await?;
    match spec.namespaces.keys().find(|from| !plan.is_empty() && !lies_in(&plan, from)) {
        Some(from) => Err(SpecError::new("namespaces", format!("this restore has nothing in {from:?}")).into()),
        None => Ok(plan),
    }
}

/// Whether anything of the plan lies in that namespace, or is it.
fn lies_in(plan: &RestorePlan, namespace: &str) -> bool {
    let unreadable = plan.unreadable().iter().map(|object| &object.id);
    let mut ids = plan.steps().iter().map(|step| &step.from.id).chain(unreadable);
    ids.any(|id| *id.namespace == *namespace || (&*id.kind == "Namespace" && *id.name == *namespace))
}

/// The one object that is meant, deleted ones too. Without a namespace it is looked for in all.
pub(crate) async fn one(snapshot: &Snapshot, object: &ObjectWord, namespace: Option<&str>) -> Result<ObjectId> {
    let mut filter = ObjectFilter::all().name(object.name.as_str()).any_state();
    filter.kinds = Some(kinds(snapshot, std::slice::from_ref(&object.kind)).await?);
    filter.namespaces = namespace.map(|name| vec![name.into()]);
    let mut found: Vec<Revision> = snapshot.objects(filter).try_collect().await?;
    let alive: Vec<_> = found.iter().filter(|r| r.state == RevisionState::Put).cloned().collect();
    if found.len() > 1 && alive.len() == 1 {
        found = alive;
    }
    match found.as_slice() {
        [revision] => Ok(revision.id.clone()),
        [] => Err(Missing::Object { object: object.clone(), namespace: namespace.map(ToOwned::to_owned) }.into()),
        many => Err(Error::AmbiguousObject {
            word: object.to_string(),
            found: many.iter().map(|revision| revision.id.clone()).collect(),
        }),
    }
}

/// The kinds of the log that these words mean; a word that means none is an error.
async fn kinds(snapshot: &Snapshot, words: &[KindWord]) -> Result<Vec<GroupKind>> {
    let mut known: BTreeSet<GroupKind> = snapshot.positions().into_iter().map(|p| p.kind).collect();
    let mut found = BTreeSet::new();
    let mut complete = false;
    for word in words {
        let mut hits: Vec<_> = known.iter().filter(|k| word.matches(k)).cloned().collect();
        if hits.is_empty() && !complete {
            // Kinds that were never listed to their end have objects and no position yet.
            let mut objects = snapshot.objects(ObjectFilter::all().any_state());
            while let Some(revision) = objects.next().await {
                known.insert(revision?.id.group_kind());
            }
            complete = true;
            hits = known.iter().filter(|k| word.matches(k)).cloned().collect();
        }
        if hits.is_empty() {
            hits = by_definition(snapshot, word).await?;
        }
        if hits.is_empty() {
            return Err(unknown_kind(word, &known));
        }
        found.extend(hits);
    }
    Ok(found.into_iter().collect())
}

fn unknown_kind(word: &KindWord, known: &BTreeSet<GroupKind>) -> Error {
    let nearest = known.iter().filter_map(|kind| Some((word.distance(kind)?, kind))).min();
    Missing::Kind { word: word.to_string(), nearest: nearest.map(|(_, kind)| kind.clone()) }.into()
}

/// Short and irregular names of custom resources are in their stored definitions.
async fn by_definition(snapshot: &Snapshot, word: &KindWord) -> Result<Vec<GroupKind>> {
    let definition = GroupKind::new("apiextensions.k8s.io", "CustomResourceDefinition");
    let mut definitions = snapshot.objects(ObjectFilter::all().kind(definition));
    let mut found = Vec::new();
    while let Some(revision) = definitions.next().await {
        let definition = manifest(snapshot, &revision?).await?;
        let names = ["plural", "singular", "kind"].map(|name| definition.text(&["spec", "names", name]));
        let short = match definition.get(&["spec", "names", "shortNames"]) {
            Some(Value::Array(short)) => short.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let (Some(group), Some(kind)) = (definition.text(&["spec", "group"]), names[2]) else { continue };
        if word.matches_names(group, names.into_iter().flatten().chain(short)) {
            found.push(GroupKind::new(group, kind));
        }
    }
    Ok(found)
}

/// A stored object. Its digest is checked.
pub(crate) async fn manifest(snapshot: &Snapshot, revision: &Revision) -> Result<Manifest> {
    let body = snapshot.body(revision).await?;
    Manifest::parse(&body, &PathSet::default())
        .map_err(|e| Error::Unreadable { object: revision.id.to_string(), source: Box::new(e) })
}
