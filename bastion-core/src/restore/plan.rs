//! What a restore will do, before it does it.

use std::{collections::BTreeSet, fmt, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{bodies::Bodies, options::RestoreOptions, order::Wave};
use crate::{
    failure::Failure,
    manifest::OwnerReference,
    object::{GroupKind, ObjectId},
    record::Revision,
};

/// One object to be restored.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RestoreStep {
    /// The revision that is restored.
    pub from: Revision,
    /// The object in the cluster: in another namespace where one is mapped.
    pub target: ObjectId,
    /// It was not selected, but a selected object needs it: it is created if it is missing, never changed.
    pub only_if_missing: bool,
    /// Its wave.
    pub(super) wave: Wave,
    /// Its place in the wave: steps of one wave and place run in parallel.
    pub(super) place: u32,
    /// Its owners, and where their new uids come from.
    pub(super) owners: Vec<OwnerLink>,
    /// The volume of a claim is not restored: the claim gets a new one, unless it is there.
    pub(super) forget_volume: bool,
}

/// Where the new uid of an owner comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnerLink {
    /// The reference as the backup has it.
    pub(super) reference: OwnerReference,
    /// The step that restores the owner; `None`: it is looked for in the cluster, and where it is not there
    /// the reference goes, since the garbage collector would delete the object for it.
    pub(super) step: Option<usize>,
    /// The link closes a circle of owners: the reference goes.
    pub(super) broken: bool,
}

/// A selected object that is not restored. Serializes as `{"object":"Node node-1","why":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedObject {
    /// Which object.
    pub id: ObjectId,
    /// Why not.
    pub why: String,
}

impl SkippedObject {
    /// This object, for this reason.
    pub fn new(id: ObjectId, why: impl Into<String>) -> Self {
        Self { id, why: why.into() }
    }
}

/// A selected object whose stored content is missing or damaged. Serializes as
/// `{"object":"Secret shop/tls","why":"…","category":"corrupt"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadableObject {
    /// Which object.
    pub id: ObjectId,
    /// What is wrong with its content.
    pub failure: Failure,
}

/// What a restore will do. Print it, then apply it: `Display` is a table, and as JSON it is
///
/// ```json
/// {"steps":[{"wave":"namespaces","place":0,"group":"","version":"v1","kind":"Namespace","namespace":"",
///            "name":"shop","onlyIfMissing":true,"remark":"if missing"}],
///  "skipped":[{"object":"Node node-1","why":"nodes register themselves"}],
///  "unreadable":[{"object":"Secret shop/tls","why":"packs/1.pack is damaged","category":"corrupt"}],
///  "notes":["…"]}
/// ```
#[derive(Debug, Clone)]
pub struct RestorePlan {
    pub(super) bodies: Arc<dyn Bodies>,
    pub(super) options: RestoreOptions,
    pub(super) steps: Vec<RestoreStep>,
    pub(super) skipped: Vec<SkippedObject>,
    pub(super) unreadable: Vec<UnreadableObject>,
    pub(super) notes: Vec<String>,
    /// The kinds that CRDs of the plan define.
    pub(super) defines: BTreeSet<GroupKind>,
}

impl RestorePlan {
    /// The steps in the order in which they run.
    pub fn steps(&self) -> &[RestoreStep] {
        &self.steps
    }

    /// What is not restored, and why.
    pub fn skipped(&self) -> &[SkippedObject] {
        &self.skipped
    }

    /// Objects whose stored content is missing or damaged: they fail, whatever the cluster holds.
    pub fn unreadable(&self) -> &[UnreadableObject] {
        &self.unreadable
    }

    /// What else a person should know: circles of owners that are broken, namespaces that are made without labels.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether there is nothing to do, and nothing that should be done and cannot.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.unreadable.is_empty()
    }
}

impl RestoreStep {
    /// What is special about it, for people.
    fn remark(&self) -> String {
        let mut remarks = Vec::new();
        if self.target != self.from.id {
            remarks.push(format!("as {}", self.target));
        }
        if self.only_if_missing {
            remarks.push("if missing".to_owned());
        }
        if self.forget_volume {
            remarks.push("gets a new volume".to_owned());
        }
        remarks.extend(self.owners.iter().filter(|owner| owner.step.is_none()).map(|owner| {
            let found = if owner.broken { "dropped: they own each other" } else { "looked for in the cluster" };
            format!("owner {} {} {found}", owner.reference.kind, owner.reference.name)
        }));
        remarks.join(", ")
    }
}

impl Serialize for RestoreStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut s = serializer.serialize_struct("RestoreStep", 9)?;
        s.serialize_field("wave", &self.wave)?;
        s.serialize_field("place", &self.place)?;
        s.serialize_field("group", &*self.target.group)?;
        s.serialize_field("version", &*self.from.version)?;
        s.serialize_field("kind", &*self.target.kind)?;
        s.serialize_field("namespace", &*self.target.namespace)?;
        s.serialize_field("name", &*self.target.name)?;
        s.serialize_field("onlyIfMissing", &self.only_if_missing)?;
        s.serialize_field("remark", &self.remark())?;
        s.end()
    }
}

impl Serialize for SkippedObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut s = serializer.serialize_struct("SkippedObject", 2)?;
        s.serialize_field("object", &self.id.to_string())?;
        s.serialize_field("why", &self.why)?;
        s.end()
    }
}

impl Serialize for UnreadableObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut s = serializer.serialize_struct("UnreadableObject", 3)?;
        s.serialize_field("object", &self.id.to_string())?;
        s.serialize_field("why", &self.failure.message)?;
        s.serialize_field("category", &self.failure.category)?;
        s.end()
    }
}

impl Serialize for RestorePlan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut s = serializer.serialize_struct("RestorePlan", 4)?;
        s.serialize_field("steps", &self.steps)?;
        s.serialize_field("skipped", &self.skipped)?;
        s.serialize_field("unreadable", &self.unreadable)?;
        s.serialize_field("notes", &self.notes)?;
        s.end()
    }
}

impl fmt::Display for RestorePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut wave = None;
        for step in &self.steps {
            if wave.replace(step.wave) != Some(step.wave) {
                writeln!(f, "{:?}:", step.wave)?;
            }
            let remark = step.remark();
            let remark = if remark.is_empty() { remark } else { format!(" ({remark})") };
            writeln!(f, "  {}{remark}", step.from.id)?;
        }
        if !self.unreadable.is_empty() {
            writeln!(f, "Unreadable:")?;
        }
        for unreadable in &self.unreadable {
            writeln!(f, "  {} ({})", unreadable.id, unreadable.failure)?;
        }
        if !self.skipped.is_empty() {
            writeln!(f, "Skipped:")?;
        }
        for skipped in &self.skipped {
            writeln!(f, "  {} ({})", skipped.id, skipped.why)?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "Note: {note}"))
    }
}
