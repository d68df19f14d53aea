//! Which stored objects to read.

use std::{collections::BTreeSet, sync::Arc};

use super::files::Range;
use crate::{
    manifest::{Manifest, Map, Value},
    object::{GroupKind, ObjectId},
    record::{Revision, RevisionState},
    select::LabelSelector,
};

/// Which stored objects to read. The default takes every object that exists and is selected by its policy; each
/// setter narrows it.
///
/// ```
/// use bastion_core::{object::GroupKind, repository::ObjectFilter};
///
/// let filter = ObjectFilter::all()
///     .namespace("shop")
///     .kind(GroupKind::new("apps", "Deployment"))
///     .labels("tier!=cache".parse()?);
/// # assert_eq!(filter.kinds.map(|kinds| kinds.len()), Some(1));
/// # Ok::<(), bastion_core::select::SelectionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectFilter {
    /// These kinds only; `None` means all.
    pub kinds: Option<Vec<GroupKind>>,
    /// These namespaces only; `None` means all and the objects outside of namespaces. The empty name stands for
    /// these.
    pub namespaces: Option<Vec<Arc<str>>>,
    /// Objects of these names only; `None` means all.
    pub names: Option<Vec<Arc<str>>>,
    /// These objects only, by kind and name; `None` means all.
    pub objects: Option<BTreeSet<(GroupKind, Arc<str>)>>,
    /// Objects whose newest state is one of these.
    pub states: Vec<RevisionState>,
    /// Objects with these labels only. Labels are content: objects that are gone have none, and the bodies of the
    /// others are read.
    pub labels: Option<LabelSelector>,
}

impl Default for ObjectFilter {
    fn default() -> Self {
        let states = vec![RevisionState::Put];
        Self { kinds: None, namespaces: None, names: None, objects: None, states, labels: None }
    }
}

impl ObjectFilter {
    /// Every object that exists and is selected by its policy.
    pub fn all() -> Self {
        Self::default()
    }

    /// Reads only this kind and those added before.
    #[must_use]
    pub fn kind(mut self, kind: GroupKind) -> Self {
        self.kinds.get_or_insert_default().push(kind);
        self
    }

    /// Reads only this namespace and those added before; the empty name stands for objects outside of namespaces.
    #[must_use]
    pub fn namespace(mut self, name: impl Into<Arc<str>>) -> Self {
        self.namespaces.get_or_insert_default().push(name.into());
        self
    }

    /// Reads only objects of this name and of those added before.
    #[must_use]
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.names.get_or_insert_default().push(name.into());
        self
    }

    /// Reads only the objects of this kind and name and those added before.
    #[must_use]
    pub fn object(mut self, kind: GroupKind, name: impl Into<Arc<str>>) -> Self {
        self.objects.get_or_insert_default().insert((kind, name.into()));
        self
    }

    /// Reads objects whose newest state is one of these.
    #[must_use]
    pub fn states(mut self, states: impl Into<Vec<RevisionState>>) -> Self {
        self.states = states.into();
        self
    }

    /// Reads deleted and released objects, too.
    #[must_use]
    pub fn any_state(self) -> Self {
        self.states([RevisionState::Put, RevisionState::Deleted, RevisionState::Released])
    }

    /// Reads only objects with these labels.
    #[must_use]
    pub fn labels(mut self, selector: LabelSelector) -> Self {
        self.labels = Some(selector);
        self
    }

    /// What the index can tell: everything but labels.
    pub(super) fn takes(&self, revision: &Revision) -> bool {
        let id = &revision.id;
        self.states.contains(&revision.state)
            && self.namespaces.as_ref().is_none_or(|all| all.contains(&id.namespace))
            && self.names.as_ref().is_none_or(|all| all.contains(&id.name))
            && self.objects.as_ref().is_none_or(|all| names(all, id))
            && (self.labels.is_none() || revision.state == RevisionState::Put)
    }

    /// Whether an object has the labels.
    pub(crate) fn takes_labels(&self, manifest: &Manifest) -> bool {
        self.labels.as_ref().is_none_or(|selector| selector.matches(&labels_of(manifest)))
    }

    /// What to read for it: kind by kind, in the order of ids.
    pub(super) fn ranges(&self) -> Vec<Range> {
        let kinds: Option<BTreeSet<_>> = match (&self.kinds, &self.objects) {
            (Some(kinds), _) => Some(kinds.iter().collect()),
            (None, Some(objects)) => Some(objects.iter().map(|(kind, _)| kind).collect()),
            (None, None) => None,
        };
        kinds.map_or_else(|| vec![Range::All], |kinds| kinds.into_iter().cloned().map(Range::Kind).collect())
    }
}

fn names(objects: &BTreeSet<(GroupKind, Arc<str>)>, id: &ObjectId) -> bool {
    objects.contains(&(id.group_kind(), id.name.clone()))
}

fn labels_of(manifest: &Manifest) -> Option<&Map> {
    manifest.get(&["metadata", "labels"]).and_then(Value::as_object)
}
