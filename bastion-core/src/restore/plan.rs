//! What a restore will do, before it does it.

use std::{collections::BTreeSet, fmt, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{RestoreOptions, RestoreReport, Wave, apply::Applier, bodies::Bodies};
use crate::{
    error::Result,
    manifest::OwnerReference,
    object::{GroupKind, ObjectId},
    record::Revision,
    sink::Sink,
};

/// One object to be restored.
#[derive(Debug, Clone)]
pub struct Step {
    /// The object in the backup; its id, version, uid and where its body lies.
    pub from: Revision,
    /// What it will be called: another namespace where one is mapped.
    pub target: ObjectId,
    /// Its wave.
    pub wave: Wave,
    /// Its place in the wave: steps of one wave and place run in parallel.
    pub place: u32,
    /// Nobody selected it, but something selected needs it: it is only created, if it is missing.
    pub only_if_missing: bool,
    /// Its owners, and where their new uids come from.
    pub owners: Vec<OwnerLink>,
    /// The volume of a claim is not restored: the claim gets a new one, unless it is there.
    pub(super) forget_volume: bool,
}

/// Where the new uid of an owner comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerLink {
    /// The reference as the backup has it.
    pub reference: OwnerReference,
    /// The step that restores the owner; `None`: it is looked for in the cluster, and where it is not there
    /// the reference goes, since the garbage collector would delete the object for it.
    pub step: Option<usize>,
    /// The link closes a circle of owners: the reference goes.
    pub broken: bool,
}

/// An object of the selection that is not restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedObject {
    /// Which object.
    pub id: ObjectId,
    /// Why not.
    pub why: String,
}

/// What a restore will do. Print it (it serializes, and its `Display` is a table), then apply it.
#[derive(Debug, Clone)]
pub struct RestorePlan {
    pub(super) bodies: Arc<dyn Bodies>,
    pub(super) options: RestoreOptions,
    pub(super) steps: Vec<Step>,
    pub(super) skipped: Vec<SkippedObject>,
    pub(super) unreadable: Vec<SkippedObject>,
    pub(super) notes: Vec<String>,
    /// The kinds that CRDs of the plan define.
    pub(super) defines: BTreeSet<GroupKind>,
}

impl RestorePlan {
    /// The steps in the order in which they run.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What is not restored, and why.
    pub fn skipped(&self) -> &[SkippedObject] {
        &self.skipped
    }

    /// What was to be restored, and its stored content is missing or damaged: these fail, whatever the cluster.
    pub fn unreadable(&self) -> &[SkippedObject] {
        &self.unreadable
    }

    /// What a person should know beside it: broken circles of owners, namespaces that meet.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether there is nothing to do, and nothing that should be done and cannot.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.unreadable.is_empty()
    }

    /// Runs it, with the runtime of the repository. For progress, a dry run against the cluster or cancelling see [`Applier`].
    pub async fn apply(self, sink: Arc<dyn Sink>) -> Result<RestoreReport> {
        Applier::new(self, sink).run().await
    }
}

impl Step {
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

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut s = serializer.serialize_struct("Step", 9)?;
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
            writeln!(f, "  {} ({})", unreadable.id, unreadable.why)?;
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
