//! What can be wrong with a selection.

use std::fmt;

/// A part of a [`Selection`](super::Selection), as an error names it.
///
/// `Display` shows the name that the part has in a file. A frontend that spells it differently (`--namespace`) prints
/// errors with [`SelectionError::written`].
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
    #[error("{}", namespace(key, text))]
    Namespace {
        /// Where it stands.
        key: Key,
        /// The text.
        text: String,
    },
    /// A namespace is both wanted and not.
    #[error("{}", contradiction(namespace, &Key::Namespaces, &Key::ExcludeNamespaces))]
    Contradiction {
        /// Which namespace.
        namespace: String,
    },
    /// The policy's name is empty.
    #[error("{}", empty_policy(&Key::Policy))]
    EmptyPolicy,
    /// No object is that small.
    #[error("{}", no_bytes(&Key::MaxBytes))]
    NoBytes,
    /// Secrets are asked for by name, and the repository has no encryption.
    #[error("{}", secrets_in_the_clear(&Key::Kinds, &Key::PlaintextSecrets))]
    SecretsInTheClear,
}

impl SelectionError {
    /// The message, with each part of the selection named as `spelling` does: `--namespace` for [`Key::Namespaces`].
    pub fn written(&self, spelling: impl Fn(Key) -> String) -> String {
        match self {
            Self::Namespace { key, text } => namespace(&spelling(*key), text),
            Self::Contradiction { namespace } => {
                contradiction(namespace, &spelling(Key::Namespaces), &spelling(Key::ExcludeNamespaces))
            }
            Self::EmptyPolicy => empty_policy(&spelling(Key::Policy)),
            Self::NoBytes => no_bytes(&spelling(Key::MaxBytes)),
            Self::SecretsInTheClear => secrets_in_the_clear(&spelling(Key::Kinds), &spelling(Key::PlaintextSecrets)),
            other => other.to_string(),
        }
    }
}

fn namespace(key: &dyn fmt::Display, text: &str) -> String {
    format!("{key}: {text:?} is not the name of a namespace")
}

fn contradiction(namespace: &str, include: &dyn fmt::Display, exclude: &dyn fmt::Display) -> String {
    format!("namespace {namespace:?} is both included ({include}) and excluded ({exclude})")
}

fn empty_policy(key: &dyn fmt::Display) -> String {
    format!("{key}: the name of the policy is empty")
}

fn no_bytes(key: &dyn fmt::Display) -> String {
    format!("{key}: 0 leaves out every object; write the most bytes that an object may have")
}

fn secrets_in_the_clear(key: &dyn fmt::Display, allow: &dyn fmt::Display) -> String {
    format!("{key}: Secrets would be stored unencrypted; allow that with {allow}, or leave them out")
}
