//! From a selection to a plan: one pass over the bodies.

use std::{collections::BTreeSet, sync::Arc};

use futures::{StreamExt, TryStreamExt};

use super::{
    options::RestoreOptions,
    plan::RestorePlan,
    planner::{Planner, defined_kind},
    set::RestoreSet,
};
use crate::{
    canonical,
    error::Result,
    failure::{Category, Failure},
    manifest::Manifest,
    object::GroupKind,
    record::{Revision, RevisionState},
    repository::{ObjectFilter, Snapshot},
};

/// Bodies that are read at once.
const AHEAD: usize = 16;

impl RestoreSet {
    /// Plans the restore. Namespaces and CRDs that the objects need are planned too, even if they were not selected:
    /// they are created if they are missing.
    pub async fn restore_plan(self, options: &RestoreOptions) -> Result<RestorePlan> {
        let mut planner = Planner::new(options);
        let snapshot = &self.snapshot;
        // Every body is read anyway, so labels are looked at here; what is gone has none.
        let filter = ObjectFilter { labels: None, ..self.filter.clone().states([RevisionState::Put]) };
        let mut objects = read(snapshot, filter);
        let wanted = |manifest: &Manifest| {
            self.filter.takes_labels(manifest) && self.predicate.as_ref().is_none_or(|wanted| wanted(manifest))
        };
        while let Some((revision, manifest)) = objects.try_next().await? {
            match manifest {
                Err(failure) => planner.unreadable(&revision.id, failure),
                Ok(manifest) if wanted(&manifest) => planner.add(revision, &manifest),
                Ok(_) => {}
            }
        }
        drop(objects);
        need_definitions(snapshot, &mut planner).await?;
        need_namespaces(snapshot, &mut planner).await?;
        Ok(planner.plan(Arc::new(self.snapshot)))
    }
}

type Read = (Revision, Result<Manifest, Failure>);

/// The selected objects with their bodies, in the order of ids. A body that cannot be read fails its object.
fn read(snapshot: &Snapshot, filter: ObjectFilter) -> impl futures::Stream<Item = Result<Read>> + Unpin + Send {
    let bodies = snapshot.clone();
    snapshot
        .objects(filter)
        .map(move |revision| {
            let bodies = bodies.clone();
            async move {
                let revision = revision?;
                let manifest = match bodies.body(&revision).await {
                    Ok(body) => canonical::from_bytes(&body).map_err(|error| Failure::new(Category::Corrupt, &error)),
                    Err(error) if error.is_retryable() => return Err(error),
                    Err(error) => Err(Failure::from(&error)),
                };
                Ok((revision, manifest))
            }
        })
        .buffered(AHEAD)
        .boxed()
}

async fn need_namespaces(snapshot: &Snapshot, planner: &mut Planner) -> Result<()> {
    let missing = planner.missing_namespaces();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.iter().cloned().collect();
    let filter = ObjectFilter { names: Some(names), ..of_kind("", "Namespace") };
    let mut namespaces = read(snapshot, filter);
    while let Some((revision, manifest)) = namespaces.try_next().await? {
        if let Ok(manifest) = manifest {
            planner.need(revision, &manifest);
        }
    }
    for name in planner.missing_namespaces() {
        planner.need_bare_namespace(&name);
    }
    Ok(())
}

async fn need_definitions(snapshot: &Snapshot, planner: &mut Planner) -> Result<()> {
    let kinds: BTreeSet<GroupKind> = planner.custom_kinds();
    if kinds.is_empty() {
        return Ok(());
    }
    let mut definitions = read(snapshot, of_kind("apiextensions.k8s.io", "CustomResourceDefinition"));
    while let Some((revision, manifest)) = definitions.try_next().await? {
        if let Ok(manifest) = manifest
            && defined_kind(&revision.id, &manifest).is_some_and(|kind| kinds.contains(&kind))
        {
            planner.need(revision, &manifest);
        }
    }
    Ok(())
}

fn of_kind(group: &str, kind: &str) -> ObjectFilter {
    ObjectFilter::all().kind(GroupKind::new(group, kind))
}
