//! From an object's bytes to an observation.

use std::sync::Arc;

use bastion_core::{
    object::{Kind, ObjectId, ResourceVersion, Scope},
    source::{Coverage, Observation, Observed, Proof},
};
use bytes::Bytes;

use crate::{
    meta::Head,
    partial::{Item, Partial},
    select::{Mode, Place, Selection, Verdict},
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
        let head = Head::parse(body)?;
        let (id, at) = self.name(&head)?;
        let observation = match self.verdict(&head) {
            Verdict::Selected => {
                Some(Observation::Object(Observed { id, resource_version: at.clone(), body: body.clone() }))
            }
            Verdict::Unselected => Some(Observation::Unselected { id, at: at.clone() }),
            Verdict::Outside => None,
        };
        Ok(Judged { observation, at })
    }

    /// An object of a list of metadata.
    pub(crate) fn item(&self, item: &Item) -> Result<Judged, String> {
        match item {
            Item::Whole(body) => self.present(body),
            Item::Partial(partial) => self.partial(partial),
        }
    }

    fn partial(&self, partial: &Partial) -> Result<Judged, String> {
        let Partial { name, namespace, resource_version, enabled } = partial;
        let (id, at) = self.named(namespace, name, resource_version)?;
        let observation = match self.decide(namespace, name, *enabled) {
            Verdict::Selected => Some(Observation::Exists { id, at: at.clone() }),
            Verdict::Unselected => Some(Observation::Unselected { id, at: at.clone() }),
            Verdict::Outside => None,
        };
        Ok(Judged { observation, at })
    }

    /// An object that a watch says is deleted.
    pub(crate) fn deleted(&self, body: &[u8]) -> Result<Judged, String> {
        let head = Head::parse(body)?;
        let (id, at) = self.name(&head)?;
        let proof = if self.selection.labels.is_some() { Proof::LeftSelection } else { Proof::Watched };
        let outside = self.verdict(&head) == Verdict::Outside;
        let observation = (!outside).then(|| Observation::Gone { id, at: at.clone(), proof });
        Ok(Judged { observation, at })
    }

    /// Whether the selection takes the object (labels aside, which the server judges).
    pub(crate) fn selects(&self, body: &[u8]) -> Result<bool, String> {
        Ok(self.verdict(&Head::parse(body)?) == Verdict::Selected)
    }

    fn name(&self, head: &Head<'_>) -> Result<(ObjectId, ResourceVersion), String> {
        let meta = &head.metadata;
        self.named(&meta.namespace, &meta.name, &meta.resource_version)
    }

    fn named(&self, namespace: &str, name: &str, at: &str) -> Result<(ObjectId, ResourceVersion), String> {
        if name.is_empty() || at.is_empty() {
            return Err("an object without name or resourceVersion".into());
        }
        Ok((ObjectId::new(&self.kind.group_kind(), namespace, name), ResourceVersion::new(at)))
    }

    fn verdict(&self, head: &Head<'_>) -> Verdict {
        let meta = &head.metadata;
        self.decide(&meta.namespace, &meta.name, meta.annotations.0)
    }

    fn decide(&self, namespace: &str, name: &str, enabled: Option<bool>) -> Verdict {
        let place = match self.kind.scope {
            Scope::Namespaced => Place::Namespaced(namespace),
            Scope::Cluster if self.kind == crate::source::namespaces::kind() => Place::Namespace(name),
            Scope::Cluster => Place::Cluster,
        };
        let inherited = self.namespaces.as_ref().and_then(|n| n.enabled(namespace));
        self.selection.verdict(place, enabled, inherited)
    }
}
