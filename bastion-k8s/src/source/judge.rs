//! From an object's bytes to an observation.

use std::sync::Arc;

use bastion_core::{
    object::{Kind, ObjectId, ResourceVersion, Scope},
    select::{Facts, Match, Mode, Selection},
    source::{Coverage, Observation, Observed, Proof},
};
use bytes::Bytes;

use crate::{
    meta::{ANNOTATION, Head, Meta},
    partial::Item,
    source::namespaces::Namespaces,
};

/// Decides over the objects of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Judge {
    pub(crate) kind: Kind,
    pub(crate) selection: Arc<Selection>,
    /// Where annotations of namespaces matter.
    pub(crate) namespaces: Option<Namespaces>,
}

/// What was seen, and up to where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    /// `None` where the selection does not look.
    pub(crate) observation: Option<Observation>,
    pub(crate) at: ResourceVersion,
}

impl Judge {
    /// `namespaces` is used only where their annotations decide: `Annotated`, and objects inside them.
    pub(crate) fn new(kind: Kind, selection: Arc<Selection>, namespaces: &Namespaces) -> Self {
        let inherits = selection.mode == Mode::Annotated && kind.scope == Scope::Namespaced;
        Self { kind, selection, namespaces: inherits.then(|| namespaces.clone()) }
    }

    /// What a list of this kind looks at.
    pub(crate) fn coverage(&self) -> Coverage {
        let inside = self.kind.scope == Scope::Namespaced && !self.selection.namespaces.is_empty();
        Coverage {
            namespaces: inside.then(|| self.selection.namespaces.iter().map(|n| n.as_str().into()).collect()),
            selector: self.selection.labels.is_some(),
        }
    }

    /// An object that exists.
    pub(crate) fn present(&self, body: &Bytes) -> Result<Judged, String> {
        self.exists(&Head::parse(body)?.metadata, |id, resource_version| {
            Observation::Object(Observed { id, resource_version, body: body.clone() })
        })
    }

    /// An object of a list of metadata.
    pub(crate) fn item(&self, item: &Item) -> Result<Judged, String> {
        match item {
            Item::Whole(body) => self.present(body),
            Item::Partial(meta) => self.exists(meta, |id, at| Observation::Exists { id, at }),
        }
    }

    fn exists(
        &self,
        meta: &Meta<'_>,
        selected: impl FnOnce(ObjectId, ResourceVersion) -> Observation,
    ) -> Result<Judged, String> {
        let (id, at) = self.name(meta)?;
        let observation = match self.verdict(meta) {
            Match::Selected => Some(selected(id, at.clone())),
            Match::Unselected(_) => Some(Observation::Unselected { id, at: at.clone() }),
            Match::Outside => None,
        };
        Ok(Judged { observation, at })
    }

    /// An object that a watch says is deleted.
    pub(crate) fn deleted(&self, body: &[u8]) -> Result<Judged, String> {
        let Head { metadata, .. } = Head::parse(body)?;
        let (id, at) = self.name(&metadata)?;
        let proof = if self.selection.labels.is_some() { Proof::LeftSelection } else { Proof::Watched };
        let outside = self.verdict(&metadata) == Match::Outside;
        let observation = (!outside).then(|| Observation::Gone { id, at: at.clone(), proof });
        Ok(Judged { observation, at })
    }

    /// Whether the selection takes the object (labels aside, which the server judges).
    pub(crate) fn selects(&self, body: &[u8]) -> Result<bool, String> {
        Ok(self.verdict(&Head::parse(body)?.metadata) == Match::Selected)
    }

    fn name(&self, meta: &Meta<'_>) -> Result<(ObjectId, ResourceVersion), String> {
        if meta.name.is_empty() || meta.resource_version.is_empty() {
            return Err("an object without name or resourceVersion".into());
        }
        let id = ObjectId::new(&self.kind.group_kind(), meta.namespace.as_ref(), meta.name.as_ref());
        Ok((id, ResourceVersion::new(meta.resource_version.as_ref())))
    }

    fn verdict(&self, meta: &Meta<'_>) -> Match {
        let marked = |enabled: Option<bool>| enabled.map(|yes| vec![(ANNOTATION, if yes { "true" } else { "false" })]);
        let own = marked(meta.annotations.0);
        let inherited = marked(self.namespaces.as_ref().and_then(|n| n.enabled(&meta.namespace)));
        let facts = Facts::new(&self.kind.group, &self.kind.kind, &meta.namespace, &meta.name);
        self.selection.decide(&facts.annotations(&own).inherited(&inherited))
    }
}
