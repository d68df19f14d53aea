//! Whether an object is selected.

use std::fmt;

use super::{AnnotationSelector, Fields, KindWord, LabelSelector, Mode, Selection};
use crate::object::{GroupKind, Kind, Scope};

/// What a selection needs to know of an object that exists.
///
/// Its kind is assumed to be selected: that is decided once, before any object is read.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    group: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    labels: Option<&'a dyn Fields>,
    annotations: &'a dyn Fields,
    inherited: &'a dyn Fields,
    controller: Option<(&'a str, &'a str)>,
    bytes: Option<u64>,
}

impl<'a> Facts<'a> {
    /// An object without annotations, owner and known size, its labels matched already. Group and namespace are
    /// empty where there is none.
    pub fn new(group: &'a str, kind: &'a str, namespace: &'a str, name: &'a str) -> Self {
        Self {
            group,
            kind,
            namespace,
            name,
            labels: None,
            annotations: &(),
            inherited: &(),
            controller: None,
            bytes: None,
        }
    }

    /// Its labels. Left out where a server has filtered by the selection's labels.
    #[must_use]
    pub fn labels(mut self, labels: &'a dyn Fields) -> Self {
        self.labels = Some(labels);
        self
    }

    /// Its annotations.
    #[must_use]
    pub fn annotations(mut self, annotations: &'a dyn Fields) -> Self {
        self.annotations = annotations;
        self
    }

    /// The annotations of its namespace.
    #[must_use]
    pub fn inherited(mut self, annotations: &'a dyn Fields) -> Self {
        self.inherited = annotations;
        self
    }

    /// Group and kind of the controller that owns it.
    #[must_use]
    pub fn controller(mut self, group: &'a str, kind: &'a str) -> Self {
        self.controller = Some((group, kind));
        self
    }

    /// How large it is, in bytes of JSON. Left out where only its metadata was read: then its size decides when its
    /// content is read, and not before.
    #[must_use]
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }

    fn is_namespace(&self) -> bool {
        is_namespace(self.group, self.kind)
    }

    /// The namespace that it is in, or that it is.
    fn place(&self) -> Option<&'a str> {
        if self.is_namespace() { Some(self.name) } else { Some(self.namespace).filter(|n| !n.is_empty()) }
    }
}

impl fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} {}/{}", self.kind, self.group, self.namespace, self.name)
    }
}

/// Annotations of an object and, where it has none of that key, of its namespace.
struct Effective<'a>(&'a dyn Fields, &'a dyn Fields);

impl Fields for Effective<'_> {
    fn value(&self, key: &str) -> Option<&str> {
        self.0.value(key).or_else(|| self.1.value(key))
    }
}

/// Whether an object is in a selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// It is.
    Selected,
    /// It exists and is not.
    Unselected(Reason),
    /// The selection does not look there at all: neither presence nor absence means anything.
    Outside,
}

/// The part of a selection that leaves an object out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Its namespace is not wanted.
    Namespace,
    /// Neither it nor its namespace is marked.
    Marker,
    /// Its annotations, or those of its namespace, do not match.
    Annotations,
    /// Its labels do not match.
    Labels,
    /// It is owned by a controller whose objects are left out.
    Owner,
    /// It is too large.
    Size,
}

/// What a selection reads of an object beside its name. Nothing else needs to be parsed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Needs {
    /// Labels of these keys, unless a server filters by them; sorted.
    pub labels: Vec<String>,
    /// Annotations of these keys, on the object and on its namespace; sorted.
    pub annotations: Vec<String>,
    /// Which controller owns it.
    pub controller: bool,
}

impl Selection {
    /// What of an object this selection reads.
    pub fn needs(&self) -> Needs {
        let marker = (self.mode == Mode::Annotated).then(|| self.marker.key());
        let keys = self.annotations.iter().flat_map(AnnotationSelector::keys);
        Needs {
            labels: sorted(self.labels.iter().flat_map(LabelSelector::keys)),
            annotations: sorted(marker.into_iter().chain(keys)),
            controller: !self.exclude_owned_by.is_empty(),
        }
    }

    /// Whether an object is selected.
    pub fn decide(&self, facts: &Facts<'_>) -> Match {
        let place = facts.place();
        if !self.namespaces.is_empty() && !place.is_some_and(|n| self.namespaces.contains(n)) {
            // A list of namespaces shows all of them, so those that are not wanted are known to exist.
            return if facts.is_namespace() { Match::Unselected(Reason::Namespace) } else { Match::Outside };
        }
        let against = if place.is_some_and(|n| self.exclude_namespaces.contains(n)) {
            Some(Reason::Namespace)
        } else {
            self.reason_against(facts)
        };
        against.map_or(Match::Selected, Match::Unselected)
    }

    fn reason_against(&self, facts: &Facts<'_>) -> Option<Reason> {
        let annotations = Effective(facts.annotations, facts.inherited);
        if self.mode == Mode::Annotated && annotations.value(self.marker.key()) != Some(self.marker.value()) {
            return Some(Reason::Marker);
        }
        if self.annotations.as_ref().is_some_and(|selector| !selector.matches(&annotations)) {
            return Some(Reason::Annotations);
        }
        if let (Some(selector), Some(labels)) = (&self.labels, facts.labels)
            && !selector.matches(labels)
        {
            return Some(Reason::Labels);
        }
        let owned = |(group, kind)| self.exclude_owned_by.iter().any(|word: &KindWord| word.means(group, kind));
        if facts.controller.is_some_and(owned) {
            return Some(Reason::Owner);
        }
        let too_large = self.max_bytes.zip(facts.bytes).is_some_and(|(most, bytes)| bytes > most);
        too_large.then_some(Reason::Size)
    }

    /// Whether objects of a kind can be selected, by the names that its [`Kind`] tells. Short names of custom resources
    /// are known to discovery alone.
    pub fn takes_kind(&self, kind: &Kind) -> bool {
        let name = kind.group_kind();
        self.takes_kind_by(&name, kind.scope, |word| {
            word.matches(&name) || word.matches_names(&kind.group, [&*kind.plural])
        })
    }

    /// [`takes_kind`](Self::takes_kind), for who knows more names of a kind: `means` says whether a word is one of them.
    pub fn takes_kind_by(&self, kind: &GroupKind, scope: Scope, means: impl Fn(&KindWord) -> bool) -> bool {
        let looks_there =
            scope == Scope::Namespaced || self.takes_cluster_scope() || is_namespace(&kind.group, &kind.kind);
        let means = &means;
        looks_there && (self.kinds.is_empty() || self.kinds.iter().any(means)) && !self.exclude_kinds.iter().any(means)
    }

    /// Whether objects outside of namespaces can be selected (a list of namespaces leaves them out, but for the
    /// namespaces themselves).
    pub fn takes_cluster_scope(&self) -> bool {
        self.namespaces.is_empty()
    }
}

fn is_namespace(group: &str, kind: &str) -> bool {
    group.is_empty() && kind == "Namespace"
}

fn sorted<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut keys: Vec<_> = keys.map(str::to_owned).collect();
    keys.sort();
    keys.dedup();
    keys
}
