//! What is to be backed up: a pure description, and the decisions made from it.

use std::{collections::BTreeSet, sync::Arc};

use bastion_core::hash::Digest;

use crate::{
    discovery::names::KindPattern,
    error::{Error, Result},
};

/// The annotation that marks objects, and namespaces for all that is in them.
pub const ANNOTATION: &str = "backup/enabled";

/// Whether everything is taken, or what is annotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// What carries `backup/enabled: "true"`, or lies in a namespace that does. The object's own value wins.
    #[default]
    Annotated,
    /// Everything that the filters leave.
    All,
}

/// What is to be backed up.
///
/// ```
/// use bastion_k8s::select::{Mode, Selection};
///
/// let mut selection = Selection { mode: Mode::All, ..Selection::default() };
/// assert_eq!(&*selection.policy_name(), "all");
/// selection.namespaces.insert("shop".into());
/// assert!(selection.policy_name().starts_with("sel-"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Everything, or what is annotated.
    pub mode: Mode,
    /// These kinds only (`cm`, `configmaps`, `ConfigMap`, `certificates.cert-manager.io`); empty means all.
    pub kinds: BTreeSet<String>,
    /// Not these kinds.
    pub exclude_kinds: BTreeSet<String>,
    /// These namespaces only; empty means all of them and the objects of the cluster itself.
    pub namespaces: BTreeSet<String>,
    /// Not these namespaces, nor anything in them.
    pub exclude_namespaces: BTreeSet<String>,
    /// Label selector in kubectl's syntax; the API server applies it.
    pub labels: Option<String>,
    /// Secrets may be stored in the clear.
    pub plaintext_secrets: bool,
    /// Name of the policy, where another one than the derived is wanted.
    pub policy: Option<String>,
}

/// Whether an object is in the selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is.
    Selected,
    /// It exists and is not.
    Unselected,
    /// The selection does not look there at all: neither its presence nor its absence says anything.
    Outside,
}

impl Selection {
    /// Checks what can be checked without a cluster.
    pub fn check(&self) -> Result<()> {
        for name in self.kinds.iter().chain(&self.exclude_kinds) {
            let pattern = KindPattern::parse(name)?;
            if self.kinds.contains(name) && !self.plaintext_secrets && pattern.names_secrets() {
                return Err(Error::SecretsInTheClear);
            }
        }
        if let Some(both) = self.namespaces.intersection(&self.exclude_namespaces).next() {
            return Err(Error::Selection(format!("namespace {both:?} is both included and excluded")));
        }
        for namespace in self.namespaces.iter().chain(&self.exclude_namespaces) {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if namespace.is_empty() || !namespace.chars().all(fits) {
                return Err(Error::Selection(format!("{namespace:?} is no name of a namespace")));
            }
        }
        if self.policy.as_deref().is_some_and(str::is_empty) {
            return Err(Error::Selection("the policy's name is empty".into()));
        }
        Ok(())
    }

    /// The policy's name: the given one, `annotated`, `all`, or `sel-` and a hash where filters narrow it.
    pub fn policy_name(&self) -> Arc<str> {
        if let Some(name) = &self.policy {
            return name.as_str().into();
        }
        let filtered = !self.kinds.is_empty()
            || !self.exclude_kinds.is_empty()
            || !self.namespaces.is_empty()
            || !self.exclude_namespaces.is_empty()
            || self.labels.is_some();
        match self.mode {
            Mode::Annotated if !filtered => "annotated".into(),
            Mode::All if !filtered => "all".into(),
            _ => {
                let text = format!("{}\nkinds={:?}\nnot={:?}", self.fingerprint(), self.kinds, self.exclude_kinds);
                format!("sel-{}", &Digest::of_file(text.as_bytes()).to_string()[..8]).into()
            }
        }
    }

    /// What decides over the objects of one kind, as text: saved with positions. Which kinds are followed is
    /// not part of it, since positions are per kind.
    pub fn fingerprint(&self) -> String {
        format!(
            "v1 mode={:?} namespaces={:?} not={:?} labels={:?}",
            self.mode,
            self.namespaces,
            self.exclude_namespaces,
            self.labels.as_deref().unwrap_or_default()
        )
    }

    /// Whether an object is taken. `namespace` is empty for objects of the cluster itself; `own` and
    /// `inherited` are the values of the annotation on the object and on its namespace.
    pub(crate) fn verdict(&self, place: Place<'_>, own: Option<bool>, inherited: Option<bool>) -> Verdict {
        let namespace = match place {
            Place::Namespaced(name) | Place::Namespace(name) => Some(name),
            Place::Cluster => None,
        };
        if !self.namespaces.is_empty() && !namespace.is_some_and(|n| self.namespaces.contains(n)) {
            // A list of namespaces looks at all of them and says so.
            return if matches!(place, Place::Namespace(_)) { Verdict::Unselected } else { Verdict::Outside };
        }
        if namespace.is_some_and(|n| self.exclude_namespaces.contains(n)) {
            return Verdict::Unselected;
        }
        match self.mode {
            Mode::All => Verdict::Selected,
            Mode::Annotated if own.or(inherited).unwrap_or(false) => Verdict::Selected,
            Mode::Annotated => Verdict::Unselected,
        }
    }

    /// Whether objects of the cluster itself can be selected (a list of namespaces leaves them out, but for
    /// the namespaces themselves).
    pub(crate) fn takes_cluster_scope(&self) -> bool {
        self.namespaces.is_empty()
    }
}

/// Where an object lies, as far as selection cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// In this namespace.
    Namespaced(&'a str),
    /// It is this namespace.
    Namespace(&'a str),
    /// Elsewhere in the cluster's own scope.
    Cluster,
}
