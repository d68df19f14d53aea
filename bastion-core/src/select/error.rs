//! What can be wrong with a selection.

use std::fmt;

/// A part of a [`Selection`](super::Selection), as an error names it.
///
/// `Display` shows the name that the part has in a file. A frontend that spells it differently (`--namespace`)
/// passes its own spelling to [`Selection::check_as`](super::Selection::check_as).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Key {
    /// `kinds`
    Kinds,
    /// `namespaces`
    Namespaces,
    /// `excludeNamespaces`
    ExcludeNamespaces,
    /// `plaintextSecrets`
    PlaintextSecrets,
    /// `policy`
    Policy,
    /// `maxBytes`
    MaxBytes,
}

impl Key {
    /// The name in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kinds => "kinds",
            Self::Namespaces => "namespaces",
            Self::ExcludeNamespaces => "excludeNamespaces",
            Self::PlaintextSecrets => "plaintextSecrets",
            Self::Policy => "policy",
            Self::MaxBytes => "maxBytes",
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is wrong with a selection, or with the text of one of its parts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// The name of a kind is empty.
    #[error("a kind cannot be empty")]
    EmptyKind,
    /// The text cannot be the name of a kind.
    #[error("{text:?} is not the name of a kind; write for example configmaps, cm or certificates.cert-manager.io")]
    Kind {
        /// The text.
        text: String,
    },
    /// A selector without requirements.
    #[error("the selector is empty; write app=web,tier!=cache or env in (a,b)")]
    EmptySelector,
    /// The text is not a label selector.
    #[error("{text:?} is not a label selector: {why}; write app=web, tier!=cache, env in (a,b), env or !env")]
    Labels {
        /// The text.
        text: String,
        /// What was found, and what was expected instead.
        why: String,
    },
    /// The text is not an annotation selector.
    #[error(
        "{text:?} is not an annotation selector: {why}; write team=shop, note=\"any text\", team in (a,b), team or !team"
    )]
    Annotations {
        /// The text.
        text: String,
        /// What was found, and what was expected instead.
        why: String,
    },
    /// The text is not an annotation and its value.
    #[error("{text:?} is not an annotation with a value; write backup/enabled=true")]
    Marker {
        /// The text.
        text: String,
    },
    /// The text cannot be the name of a namespace.
    #[error("{key}: {text:?} is not the name of a namespace")]
    Namespace {
        /// Where it stands.
        key: String,
        /// The text.
        text: String,
    },
    /// A namespace is both wanted and not.
    #[error("namespace {namespace:?} is both included ({include}) and excluded ({exclude})")]
    Contradiction {
        /// Which namespace.
        namespace: String,
        /// Where it is included.
        include: String,
        /// Where it is excluded.
        exclude: String,
    },
    /// The policy's name is empty.
    #[error("{key}: the name of the policy is empty")]
    EmptyPolicy {
        /// Where it stands.
        key: String,
    },
    /// No object is that small.
    #[error("{key}: 0 leaves out every object; write the most bytes that an object may have")]
    NoBytes {
        /// Where it stands.
        key: String,
    },
    /// Secrets are asked for by name, and the repository has no encryption.
    #[error("{key}: Secrets would be stored unencrypted; allow that with {allow}, or leave them out")]
    SecretsInTheClear {
        /// Where they are asked for.
        key: String,
        /// What allows it.
        allow: String,
    },
}
