use bastion_core::{
    object::{GroupKind, Kind, Scope},
    select::KindWord,
};

/// A kind as discovery shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Resource {
    /// API group; empty for the core group.
    pub(crate) group: String,
    /// Kind, for example `ConfigMap`.
    pub(crate) kind: String,
    /// Resource name in URLs, for example `configmaps`.
    pub(crate) plural: String,
    /// Name of one, for example `configmap`.
    pub(crate) singular: String,
    /// Short names, for example `cm`.
    pub(crate) short_names: Vec<String>,
    /// Whether its objects live in namespaces.
    pub(crate) namespaced: bool,
    /// Versions that are served, the preferred first, with the verbs of each.
    pub(crate) versions: Vec<(String, Vec<String>)>,
}

impl Resource {
    /// `configmaps`, `certificates.cert-manager.io`: what selects it without doubt.
    pub(crate) fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// The kind in one of its versions.
    pub(crate) fn kind_in(&self, version: &str) -> Kind {
        Kind {
            group: self.group.as_str().into(),
            version: version.into(),
            kind: self.kind.as_str().into(),
            plural: self.plural.as_str().into(),
            scope: self.scope(),
        }
    }

    /// Where its objects live.
    pub(crate) fn scope(&self) -> Scope {
        if self.namespaced { Scope::Namespaced } else { Scope::Cluster }
    }

    /// The kind without a version.
    pub(crate) fn group_kind(&self) -> GroupKind {
        GroupKind::new(self.group.as_str(), self.kind.as_str())
    }

    /// Whether that word means this kind: by plural, singular, kind or short name, and by group where one is given.
    pub(crate) fn is_meant_by(&self, word: &KindWord) -> bool {
        word.matches_names(&self.group, self.names())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        [&self.plural, &self.singular, &self.kind].into_iter().chain(&self.short_names).map(String::as_str)
    }

    /// Versions in which all these verbs are served, the preferred first.
    pub(crate) fn versions_with<'a>(&'a self, verbs: &'a [&str]) -> impl Iterator<Item = &'a str> {
        let has = |served: &[String]| verbs.iter().all(|verb| served.iter().any(|s| s == verb));
        self.versions.iter().filter(move |(_, served)| has(served)).map(|(version, _)| version.as_str())
    }
}
