//! The planner: facts of one object after the other in, a plan out. Pure; it keeps no bodies.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    bodies::Bodies,
    options::RestoreOptions,
    order,
    plan::{OwnerLink, RestorePlan, RestoreStep, SkippedObject, UnreadableObject},
    skip,
};
use crate::{
    failure::Failure,
    hash::Digest,
    manifest::{Manifest, OwnerReference},
    object::{GroupKind, ObjectId},
    record::{Order, Revision, RevisionState},
    time::Timestamp,
};

/// What is known of one object.
#[derive(Debug)]
struct Fact {
    revision: Revision,
    owners: Vec<OwnerReference>,
    /// The volume that a claim names.
    volume: Option<Arc<str>>,
    only_if_missing: bool,
}

/// Gathers what is to be restored and orders it.
#[derive(Debug, Default)]
pub(super) struct Planner {
    options: RestoreOptions,
    facts: Vec<Fact>,
    known: BTreeSet<ObjectId>,
    /// Who has which uid, also of what is never restored.
    uids: BTreeMap<Arc<str>, ObjectId>,
    skipped: Vec<SkippedObject>,
    unreadable: Vec<UnreadableObject>,
    notes: Vec<String>,
    defines: BTreeSet<GroupKind>,
}

impl Planner {
    /// A planner for these options.
    pub(super) fn new(options: &RestoreOptions) -> Self {
        Self { options: options.clone(), ..Self::default() }
    }

    /// Adds an object that was selected.
    pub(super) fn add(&mut self, revision: Revision, manifest: &Manifest) {
        self.take(revision, manifest, false);
    }

    /// Adds an object that was not selected but is needed: it is created if it is missing.
    pub(super) fn need(&mut self, revision: Revision, manifest: &Manifest) {
        self.take(revision, manifest, true);
    }

    fn take(&mut self, revision: Revision, manifest: &Manifest, only_if_missing: bool) {
        if !self.known.insert(revision.id.clone()) {
            return;
        }
        self.uids.insert(revision.uid.clone(), revision.id.clone());
        if let Some(why) = skip::never(&revision.id.group_kind(), manifest) {
            self.skip(&revision.id, why);
            return;
        }
        self.defines.extend(defined_kind(&revision.id, manifest));
        let claim = &*revision.id.kind == "PersistentVolumeClaim" && revision.id.group.is_empty();
        let volume = manifest.text(&["spec", "volumeName"]).filter(|_| claim).map(Arc::from);
        self.facts.push(Fact { revision, owners: manifest.owner_references(), volume, only_if_missing });
    }

    /// Adds a namespace that objects live in and that the backup does not hold: it is made if it is missing.
    pub(super) fn need_bare_namespace(&mut self, name: &str) {
        let revision = Revision {
            id: namespace_id(name),
            version: "v1".into(),
            uid: "".into(),
            order: Order::default(),
            number: 0,
            at: Timestamp::default(),
            state: RevisionState::Put,
            digest: Digest::default(),
            place: None,
            policy: "".into(),
        };
        self.notes
            .push(format!("namespace {name} is not in the backup; if it is missing, it is created without labels"));
        self.need(revision, &bare_namespace(name));
    }

    /// Adds an object whose stored content cannot be read: the restore fails for it and says why.
    pub(super) fn unreadable(&mut self, id: &ObjectId, failure: Failure) {
        self.unreadable.push(UnreadableObject { id: id.clone(), failure });
    }

    /// Notes an object that cannot be restored.
    pub(super) fn skip(&mut self, id: &ObjectId, why: impl Into<String>) {
        self.skipped.push(SkippedObject::new(id.clone(), why));
    }

    /// The namespaces, as the backup calls them, that objects live in and that were not added.
    pub(super) fn missing_namespaces(&self) -> BTreeSet<Arc<str>> {
        let namespaces = self.facts.iter().map(|fact| &fact.revision.id.namespace).filter(|name| !name.is_empty());
        namespaces.filter(|name| !self.known.contains(&namespace_id(name))).cloned().collect()
    }

    /// The kinds of custom resources that were added.
    pub(super) fn custom_kinds(&self) -> BTreeSet<GroupKind> {
        self.facts.iter().map(|fact| fact.revision.id.group_kind()).filter(order::is_custom).collect()
    }

    /// Orders what was added. The plan reads its bodies from there.
    pub(super) fn plan(mut self, bodies: Arc<dyn Bodies>) -> RestorePlan {
        self.leave_to_controllers();
        self.facts.sort_by(|a, b| a.revision.id.cmp(&b.revision.id));
        self.part_targets();
        let by_uid: BTreeMap<Arc<str>, usize> =
            self.facts.iter().enumerate().map(|(i, fact)| (fact.revision.uid.clone(), i)).collect();
        let by_name: BTreeMap<ObjectId, usize> =
            self.facts.iter().enumerate().map(|(i, fact)| (fact.revision.id.clone(), i)).collect();
        let find = |fact: &Fact, owner: &OwnerReference| {
            let by_uid = by_uid.get(owner.uid.as_str()).filter(|_| !owner.uid.is_empty());
            by_uid.copied().or_else(|| owner_ids(fact, owner).iter().find_map(|id| by_name.get(id)).copied())
        };
        let ids: Vec<_> = self.facts.iter().map(|fact| fact.revision.id.clone()).collect();
        let links: Vec<Vec<Option<usize>>> =
            self.facts.iter().map(|fact| fact.owners.iter().map(|owner| find(fact, owner)).collect()).collect();
        let planned: Vec<Vec<usize>> = links.iter().map(|links| links.iter().flatten().copied().collect()).collect();
        let (stages, broken) = order::stages(&ids, &planned);
        for link in &broken {
            let (object, owner) = (&ids[link.object], &ids[link.owner]);
            self.notes.push(format!("{object} and its owner {owner} own each other: this reference is dropped"));
        }
        let mut sequence: Vec<usize> = (0..ids.len()).collect();
        sequence.sort_by_key(|i| (stages[*i], *i));
        let mut place_of = vec![0; ids.len()];
        sequence.iter().enumerate().for_each(|(place, i)| place_of[*i] = place);
        let volumes: BTreeSet<Arc<str>> =
            ids.iter().filter(|id| &*id.kind == "PersistentVolume").map(|id| id.name.clone()).collect();

        let mut facts: Vec<Option<Fact>> = self.facts.into_iter().map(Some).collect();
        let mut steps = Vec::with_capacity(facts.len());
        for i in sequence {
            let Some(fact) = facts[i].take() else { continue };
            let owners = fact.owners.into_iter().zip(&links[i]).map(|(reference, link)| {
                let broken = link.is_some_and(|owner| broken.contains(&order::Broken { object: i, owner }));
                OwnerLink { reference, step: link.filter(|_| !broken).map(|owner| place_of[owner]), broken }
            });
            steps.push(RestoreStep {
                target: mapped(&fact.revision.id, &self.options),
                wave: stages[i].0,
                place: stages[i].1,
                only_if_missing: fact.only_if_missing,
                owners: owners.collect(),
                forget_volume: fact.volume.is_some_and(|volume| !volumes.contains(&volume)),
                from: fact.revision,
            });
        }
        self.skipped.sort_by(|a, b| a.id.cmp(&b.id));
        RestorePlan {
            bodies,
            options: self.options,
            steps,
            skipped: self.skipped,
            unreadable: self.unreadable,
            notes: self.notes,
            defines: self.defines,
        }
    }

    /// Skips what the controllers of selected owners make anew. Where such an owner is never restored itself (a
    /// completed Job), its Pods are not either.
    fn leave_to_controllers(&mut self) {
        let (mut kept, mut skipped) = (Vec::new(), Vec::new());
        for fact in std::mem::take(&mut self.facts) {
            let kind = fact.revision.id.group_kind();
            let maker = fact.owners.iter().filter(|owner| owner.controller).find_map(|owner| {
                let id = self.uids.get(owner.uid.as_str())?;
                skip::remade_by_controller(&kind, &owner.group_kind()).then_some(id)
            });
            match maker {
                Some(owner) => {
                    let why = format!("the controller of {owner} recreates it");
                    skipped.push(SkippedObject::new(fact.revision.id.clone(), why));
                }
                None => kept.push(fact),
            }
        }
        self.facts = kept;
        self.skipped.extend(skipped);
    }

    /// Where two namespaces are mapped into one, objects of one name cannot both be restored.
    fn part_targets(&mut self) {
        let mut taken: BTreeMap<ObjectId, ObjectId> = BTreeMap::new();
        let options = self.options.clone();
        let mut skipped = Vec::new();
        self.facts.retain(|fact| {
            let id = &fact.revision.id;
            match taken.entry(mapped(id, &options)) {
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert(id.clone());
                    true
                }
                std::collections::btree_map::Entry::Occupied(other) => {
                    // Of namespaces that become one, one is enough.
                    if &*id.kind != "Namespace" {
                        let why = format!("{} is already restored as {}", other.get(), other.key());
                        skipped.push(SkippedObject::new(id.clone(), why));
                    }
                    false
                }
            }
        });
        self.skipped.extend(skipped);
    }
}

/// What an owner can be called: it lives in the object's namespace or in none.
fn owner_ids(fact: &Fact, owner: &OwnerReference) -> [ObjectId; 2] {
    let kind = owner.group_kind();
    let name = owner.name.as_str();
    [ObjectId::new(&kind, fact.revision.id.namespace.clone(), name), ObjectId::new(&kind, "", name)]
}

/// The kind that a CRD defines.
pub(super) fn defined_kind(id: &ObjectId, manifest: &Manifest) -> Option<GroupKind> {
    let is_definition = &*id.group == "apiextensions.k8s.io" && &*id.kind == "CustomResourceDefinition";
    let (group, kind) = (manifest.text(&["spec", "group"])?, manifest.text(&["spec", "names", "kind"])?);
    is_definition.then(|| GroupKind::new(group, kind))
}

pub(super) fn bare_namespace(name: &str) -> Manifest {
    let mut manifest = Manifest::default();
    manifest.set(&["apiVersion"], "v1".into());
    manifest.set(&["kind"], "Namespace".into());
    manifest.set(&["metadata", "name"], name.into());
    manifest
}

pub(super) fn namespace_id(name: &str) -> ObjectId {
    ObjectId::new(&GroupKind::new("", "Namespace"), "", name)
}

/// What an object will be called.
pub(super) fn mapped(id: &ObjectId, options: &RestoreOptions) -> ObjectId {
    let mut target = id.clone();
    let renamed = |name: &Arc<str>| options.namespaces.get(name).unwrap_or(name).clone();
    target.namespace = renamed(&id.namespace);
    if &*id.kind == "Namespace" && id.group.is_empty() {
        target.name = renamed(&id.name);
    }
    target
}
