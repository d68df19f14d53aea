//! From an object's bytes to an observation.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use bastion_core::{
    object::{Kind, ObjectId, ResourceVersion, Scope},
    select::{Facts, Match, Needs, Reason, Selection, ServerSide},
    source::{Observation, Observed},
};
use bytes::Bytes;

use crate::{
    attributes::Attributes,
    meta::{Head, Meta},
    partial::Item,
    source::namespaces::Namespaces,
};

/// An observation, and its resourceVersion; without an observation where the selection does not look.
pub(crate) type Seen = (Option<Observation>, ResourceVersion);

/// Objects of a kind that were reported as too large. Kept as long as the source, so that each is reported once.
pub(crate) type TooLarge = Arc<Mutex<BTreeSet<ObjectId>>>;

/// Decides over the objects of one kind.
#[derive(Debug)]
pub(crate) struct Observer {
    pub(crate) kind: Kind,
    pub(crate) server: ServerSide,
    selection: Arc<Selection>,
    /// What is read of objects.
    needs: Needs,
    /// Where annotations of namespaces matter.
    pub(crate) namespaces: Option<Namespaces>,
    too_large: TooLarge,
}

impl Observer {
    /// `namespaces` is used only where their annotations decide: by annotations, over objects inside them.
    pub(crate) fn new(kind: Kind, selection: Arc<Selection>, namespaces: &Namespaces) -> Self {
        let mut needs = selection.needs();
        needs.labels.clear();
        Self::reading(needs, kind, selection, namespaces)
    }

    /// As `new`, reading these parts of objects: with labels, of objects that no server has filtered.
    pub(crate) fn reading(needs: Needs, kind: Kind, selection: Arc<Selection>, namespaces: &Namespaces) -> Self {
        let inherits = !needs.annotations.is_empty() && kind.scope == Scope::Namespaced;
        Self {
            server: ServerSide::of(&selection, kind.scope),
            kind,
            selection,
            needs,
            namespaces: inherits.then(|| namespaces.clone()),
            too_large: TooLarge::default(),
        }
    }

    /// Remembers what was reported as too large beyond this observer.
    pub(crate) fn remembering(self, too_large: TooLarge) -> Self {
        Self { too_large, ..self }
    }

    /// An object that exists.
    pub(crate) fn object(&mut self, body: &Bytes) -> Result<Seen, String> {
        let Head { metadata } = Head::parse(body)?;
        let (id, at) = self.name(&metadata)?;
        let attributes = Attributes::of(&metadata, &self.needs)?;
        let bytes = size(body);
        let decision = self.decide(&metadata, &attributes, Some(bytes));
        if self.selection.max_bytes.is_some() {
            self.report_size(&id, bytes, decision);
        }
        let observation = match decision {
            Match::Selected => {
                let (resource_version, body) = (at.clone(), body.clone());
                Some(Observation::Object(Observed { id, resource_version, body }))
            }
            Match::Unselected(_) => Some(Observation::Unselected { id, at: at.clone() }),
            Match::Outside => None,
        };
        Ok((observation, at))
    }

    /// An object of a list of metadata.
    pub(crate) fn item(&mut self, item: &Item) -> Result<Seen, String> {
        let meta = match item {
            Item::Whole(body) => return self.object(body),
            Item::Json(body) => Head::parse(body)?.metadata,
            Item::Protobuf(meta) => meta.head(),
        };
        let attributes = match item {
            Item::Protobuf(meta) => meta.attributes(&self.needs)?,
            _ => Attributes::of(&meta, &self.needs)?,
        };
        let (id, at) = self.name(&meta)?;
        let observation = match self.decide(&meta, &attributes, None) {
            Match::Selected => Some(Observation::Exists { id, at: at.clone() }),
            Match::Unselected(_) => Some(Observation::Unselected { id, at: at.clone() }),
            Match::Outside => None,
        };
        Ok((observation, at))
    }

    /// An object that a watch says is deleted.
    pub(crate) fn deleted(&mut self, body: &[u8]) -> Result<Seen, String> {
        let Head { metadata } = Head::parse(body)?;
        let (id, at) = self.name(&metadata)?;
        self.too_large.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        let outside = self.decide(&metadata, &Attributes::default(), None) == Match::Outside;
        let proof = self.server.proof_of_deletion();
        let observation = (!outside).then(|| Observation::Gone { id, at: at.clone(), proof });
        Ok((observation, at))
    }

    /// Whether the selection takes an object. Where no server has filtered, labels must be among what is read.
    pub(crate) fn selects(&self, body: &[u8]) -> Result<bool, String> {
        let Head { metadata } = Head::parse(body)?;
        let attributes = Attributes::of(&metadata, &self.needs)?;
        let bytes = size(body);
        let decision = self.decide(&metadata, &attributes, Some(bytes));
        if self.selection.max_bytes.is_some() {
            self.report_size(&self.name(&metadata)?.0, bytes, decision);
        }
        Ok(decision == Match::Selected)
    }

    fn name(&self, meta: &Meta<'_>) -> Result<(ObjectId, ResourceVersion), String> {
        if meta.name.is_empty() || meta.resource_version.is_empty() {
            return Err("an object without name or resourceVersion".into());
        }
        let id = ObjectId::new(&self.kind.group_kind(), meta.namespace.as_ref(), meta.name.as_ref());
        Ok((id, ResourceVersion::new(meta.resource_version.as_ref())))
    }

    fn decide(&self, meta: &Meta<'_>, attributes: &Attributes<'_>, bytes: Option<u64>) -> Match {
        let inherited = self.namespaces.as_ref().and_then(|n| n.annotations(&meta.namespace));
        let facts = Facts::new(&self.kind.group, &self.kind.kind, &meta.namespace, &meta.name).inherited(&inherited);
        let facts = bytes.map_or(facts, |bytes| facts.bytes(bytes));
        self.selection.decide(&attributes.add_to(facts))
    }

    /// Names what is left out for its size, once until it fits.
    fn report_size(&self, id: &ObjectId, bytes: u64, decision: Match) {
        let is_news = {
            let mut too_large = self.too_large.lock().unwrap_or_else(PoisonError::into_inner);
            if decision == Match::Unselected(Reason::Size) {
                too_large.insert(id.clone())
            } else {
                too_large.remove(id);
                false
            }
        };
        if is_news {
            let most = self.selection.max_bytes;
            tracing::warn!(object = %id, bytes, most, "too large; not backed up, and what was saved of it stays in the history");
        }
    }
}

/// The size of an object's JSON, however it was read: a GET ends with a newline.
fn size(body: &[u8]) -> u64 {
    body.trim_ascii_end().len() as u64
}
