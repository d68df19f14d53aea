//! The description of what is backed up.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{AnnotationSelector, Key, KindWord, LabelSelector, Marker, SelectionError};
use crate::hash::Digest;

/// Whether everything is backed up, or what is marked by an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// What carries the selection's [`Marker`], or is in a namespace that does.
    #[default]
    Annotated,
    /// Everything that the filters leave.
    All,
}

/// What is backed up.
///
/// The default is every object that is marked with the annotation `backup/enabled: "true"`, or is in a namespace
/// that is. All filters must let an object through.
///
/// ```
/// use bastion_core::select::Selection;
///
/// assert_eq!(&*Selection::default().policy_name(), "annotated");
/// assert_eq!(&*Selection::all().policy_name(), "all");
/// let shop = Selection::all().kind("deploy".parse()?).namespace("shop");
/// assert!(shop.policy_name().starts_with("sel-"));
/// # Ok::<(), bastion_core::select::SelectionError>(())
/// ```
///
/// In a file:
///
/// ```yaml
/// mode: all
/// kinds: [deployments, configmaps]
/// excludeNamespaces: [kube-system]
/// labels: tier in (gold,silver)
/// annotations: example.org/scratch!=true
/// excludeOwnedBy: [ReplicaSet]
/// maxBytes: 1048576
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Selection {
    /// Everything, or what is marked.
    pub mode: Mode,
    /// The annotation that marks, where [`Mode::Annotated`] asks for one.
    pub marker: Marker,
    /// These kinds only; empty means all except those that change all day by themselves (Events, Leases).
    pub kinds: BTreeSet<KindWord>,
    /// Not these kinds.
    pub exclude_kinds: BTreeSet<KindWord>,
    /// These namespaces only; empty means all of them and the objects outside of namespaces.
    pub namespaces: BTreeSet<String>,
    /// Not these namespaces, nor anything in them.
    pub exclude_namespaces: BTreeSet<String>,
    /// Objects with these labels only.
    pub labels: Option<LabelSelector>,
    /// Objects with these annotations only. Where an object does not have an annotation, that of its namespace
    /// counts.
    pub annotations: Option<AnnotationSelector>,
    /// Not what a controller of these kinds owns (by `ownerReferences` with `controller: true`); `*` means any.
    pub exclude_owned_by: BTreeSet<KindWord>,
    /// Not objects of more bytes than this, as JSON from the API server. Each is named in a warning.
    pub max_bytes: Option<u64>,
    /// Whether Secrets may be stored in the clear.
    pub plaintext_secrets: bool,
    /// Name of the policy, where another one than the derived is wanted.
    pub policy: Option<String>,
}

impl Selection {
    /// Everything, marked or not; narrow it with the setters.
    pub fn all() -> Self {
        Self { mode: Mode::All, ..Self::default() }
    }

    /// Everything that this annotation marks.
    pub fn marked(marker: Marker) -> Self {
        Self { marker, ..Self::default() }
    }

    /// Selects only this kind and those added before.
    #[must_use]
    pub fn kind(mut self, word: KindWord) -> Self {
        self.kinds.insert(word);
        self
    }

    /// Leaves out this kind.
    #[must_use]
    pub fn exclude_kind(mut self, word: KindWord) -> Self {
        self.exclude_kinds.insert(word);
        self
    }

    /// Selects only this namespace and those added before.
    #[must_use]
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespaces.insert(name.into());
        self
    }

    /// Leaves out this namespace and everything in it.
    #[must_use]
    pub fn exclude_namespace(mut self, name: impl Into<String>) -> Self {
        self.exclude_namespaces.insert(name.into());
        self
    }

    /// Selects only objects with these labels.
    #[must_use]
    pub fn labels(mut self, selector: LabelSelector) -> Self {
        self.labels = Some(selector);
        self
    }

    /// Selects only objects with these annotations, their own or those of their namespace.
    #[must_use]
    pub fn annotations(mut self, selector: AnnotationSelector) -> Self {
        self.annotations = Some(selector);
        self
    }

    /// Leaves out what a controller of this kind owns.
    #[must_use]
    pub fn exclude_owned_by(mut self, word: KindWord) -> Self {
        self.exclude_owned_by.insert(word);
        self
    }

    /// Leaves out objects of more bytes than this, as JSON from the API server.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Allows Secrets to be stored in the clear.
    #[must_use]
    pub fn plaintext_secrets(mut self) -> Self {
        self.plaintext_secrets = true;
        self
    }

    /// Sets the name of the policy.
    #[must_use]
    pub fn policy(mut self, name: impl Into<String>) -> Self {
        self.policy = Some(name.into());
        self
    }

    /// Checks what can be checked without a cluster: names of namespaces, contradictions, limits, Secrets in the clear.
    pub fn check(&self) -> Result<(), SelectionError> {
        if !self.plaintext_secrets && self.kinds.iter().any(KindWord::names_secrets) {
            return Err(SelectionError::SecretsInTheClear);
        }
        if let Some(namespace) = self.namespaces.intersection(&self.exclude_namespaces).next() {
            return Err(SelectionError::Contradiction { namespace: namespace.clone() });
        }
        for (key, names) in [(Key::Namespaces, &self.namespaces), (Key::ExcludeNamespaces, &self.exclude_namespaces)] {
            if let Some(text) = names.iter().find(|name| !is_namespace(name)) {
                return Err(SelectionError::Namespace { key, text: text.clone() });
            }
        }
        if self.policy.as_deref().is_some_and(str::is_empty) {
            return Err(SelectionError::EmptyPolicy);
        }
        if self.max_bytes == Some(0) {
            return Err(SelectionError::NoBytes);
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
            || self.labels.is_some()
            || !self.later_parts().is_empty();
        match self.mode {
            Mode::Annotated if !filtered => "annotated".into(),
            Mode::All if !filtered => "all".into(),
            _ => {
                let (kinds, not) = (texts(&self.kinds), texts(&self.exclude_kinds));
                let text = format!("{}\nkinds={kinds:?}\nnot={not:?}", self.fingerprint());
                format!("sel-{}", &Digest::of_file(text.as_bytes()).to_string()[..8]).into()
            }
        }
    }

    /// What decides about objects of one kind, as text that is saved with positions. The kinds themselves are not
    /// part of it, since positions are per kind.
    pub fn fingerprint(&self) -> String {
        format!(
            "v1 mode={:?} namespaces={:?} not={:?} labels={:?}{}",
            self.mode,
            self.namespaces,
            self.exclude_namespaces,
            self.labels.as_ref().map(LabelSelector::as_str).unwrap_or_default(),
            self.later_parts(),
        )
    }

    /// Parts that came later: a selection without them keeps the fingerprint that its saved positions have.
    fn later_parts(&self) -> String {
        let marked = self.mode == Mode::Annotated && self.marker != Marker::default();
        let parts = [
            marked.then(|| format!(" marker={:?}", self.marker.to_string())),
            self.annotations.as_ref().map(|annotations| format!(" annotations={:?}", annotations.as_str())),
            (!self.exclude_owned_by.is_empty()).then(|| format!(" notOwnedBy={:?}", texts(&self.exclude_owned_by))),
            self.max_bytes.map(|bytes| format!(" maxBytes={bytes}")),
        ];
        parts.into_iter().flatten().collect()
    }
}

fn texts(words: &BTreeSet<KindWord>) -> BTreeSet<&str> {
    words.iter().map(KindWord::as_str).collect()
}

fn is_namespace(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}
