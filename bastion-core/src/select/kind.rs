//! Kinds as people write them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    SelectionError,
    names::{plural, short_names},
};
use crate::object::GroupKind;

/// A kind as a person wrote it: `cm`, `configmaps`, `ConfigMap`, `certificates.cert-manager.io`,
/// `deployments.v1.apps`, or `*.cert-manager.io` for every kind of a group.
///
/// An API server knows all names of a kind ([`matches_names`](Self::matches_names)). A log knows group and kind
/// only, so there plurals are derived and the short names of the built-in kinds are known
/// ([`matches`](Self::matches)); short names of custom resources come from their definitions.
///
/// ```
/// use bastion_core::{object::GroupKind, select::KindWord};
///
/// let word: KindWord = "deploy".parse()?;
/// assert!(word.matches(&GroupKind::new("apps", "Deployment")));
/// # Ok::<(), bastion_core::select::SelectionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KindWord {
    written: String,
    /// Kind, plural, singular or short name in lower case, or `*`.
    name: String,
    /// Group, where one was written.
    group: Option<String>,
}

impl KindWord {
    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Whether it means that kind, by the names that can be known without its definition.
    pub fn matches(&self, kind: &GroupKind) -> bool {
        self.means(&kind.group, &kind.kind)
    }

    /// [`matches`](Self::matches), for a kind by its group and name.
    pub(super) fn means(&self, group: &str, kind: &str) -> bool {
        self.matches_group(group)
            && (self.name == "*"
                || self.name.eq_ignore_ascii_case(kind)
                || is_plural(&self.name, kind)
                || short_names(group, kind).any(|short| short == self.name))
    }

    /// Whether it means the kind of that group which goes by these names: kind, plural, singular, short ones.
    pub fn matches_names<'a>(&self, group: &str, names: impl IntoIterator<Item = &'a str>) -> bool {
        self.matches_group(group)
            && (self.name == "*" || names.into_iter().any(|name| name.eq_ignore_ascii_case(&self.name)))
    }

    fn matches_group(&self, group: &str) -> bool {
        self.group.as_deref().is_none_or(|wanted| wanted == group)
    }

    /// Whether it names Secrets (`*` does not).
    pub fn names_secrets(&self) -> bool {
        matches!(self.name.as_str(), "secret" | "secrets") && self.group.as_deref().is_none_or(str::is_empty)
    }

    /// How many edits the word is away from a name of that kind; `None` if it can hardly be a typo for it.
    pub fn distance(&self, kind: &GroupKind) -> Option<usize> {
        let lower = kind.kind.to_lowercase();
        let plural = plural(&lower);
        let short = short_names(&kind.group, &kind.kind).map(|name| -> &str { name });
        self.distance_to([lower.as_str(), plural.as_str()].into_iter().chain(short))
    }

    /// [`distance`](Self::distance), for a kind with these names.
    pub fn distance_to<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<usize> {
        let allowed = (self.name.len() / 3).clamp(1, 3);
        let near = |name: &str| {
            let lower = name.to_ascii_lowercase();
            let distance = edits(&self.name, &lower);
            let inside = self.name.len() > 3 && lower.contains(&self.name);
            (distance <= allowed || inside).then_some(distance)
        };
        names.into_iter().filter_map(near).min()
    }
}

impl FromStr for KindWord {
    type Err = SelectionError;

    /// Accepts `name`, `name.group`, `name.version.group` and `*.group`. Whether such a kind exists is not checked.
    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let lower = text.trim().to_ascii_lowercase();
        if lower.is_empty() {
            return Err(SelectionError::EmptyKind);
        }
        let (name, group) = match lower.split_once('.') {
            Some((name, group)) => (name, Some(without_version(group))),
            None => (lower.as_str(), None),
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if name.is_empty() || !(name == "*" || name.chars().all(fits)) || group.is_some_and(|g| !g.chars().all(fits)) {
            return Err(SelectionError::Kind { text: text.to_owned() });
        }
        Ok(Self { written: text.to_owned(), name: name.to_owned(), group: group.map(str::to_owned) })
    }
}

impl TryFrom<String> for KindWord {
    type Error = SelectionError;

    fn try_from(text: String) -> Result<Self, SelectionError> {
        text.parse()
    }
}

impl From<KindWord> for String {
    fn from(word: KindWord) -> Self {
        word.written
    }
}

impl fmt::Display for KindWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.written.trim())
    }
}

/// Whether a name in lower case is the plural of a kind. Most names differ at once, and cost no allocation.
fn is_plural(name: &str, kind: &str) -> bool {
    let stem = kind.len().saturating_sub(1);
    let alike = |name: &str, kind: &str| name.eq_ignore_ascii_case(kind);
    name.get(..stem).zip(kind.get(..stem)).is_some_and(|(name, kind)| alike(name, kind))
        && name == plural(&kind.to_lowercase())
}

/// `v1.apps` → `apps`: kubectl's three-part form names a version, a selection does not. A group alone stays.
fn without_version(group: &str) -> &str {
    match group.split_once('.') {
        Some((first, rest)) if is_version(first) => rest,
        None if is_version(group) => "",
        _ => group,
    }
}

/// `v1`, `v2beta1`: what Kubernetes takes for a version.
fn is_version(word: &str) -> bool {
    let Some(rest) = word.strip_prefix('v') else { return false };
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    digits.len() < rest.len() && ["", "alpha", "beta"].contains(&digits.trim_end_matches(|c: char| c.is_ascii_digit()))
}

/// Levenshtein's distance: how many letters must be added, dropped or changed.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn word(text: &str) -> KindWord {
        text.parse().unwrap()
    }

    #[test]
    fn a_kind_goes_by_many_names() {
        let deployment = GroupKind::new("apps", "Deployment");
        for text in [
            "deploy",
            "deployment",
            "deployments",
            "Deployment",
            "deployments.apps",
            "Deployment.v1.apps",
            "deploy.apps",
        ] {
            assert!(word(text).matches(&deployment), "{text}");
        }
        for text in ["deployments.extensions", "deployment.v1", "deploys", "deployments.v1.apps.example"] {
            assert!(!word(text).matches(&deployment), "{text}");
        }
        let core = GroupKind::new("", "ConfigMap");
        for text in ["cm", "ConfigMap", "CONFIGMAPS", "configmaps", "configmaps.v1", "configmaps."] {
            assert!(word(text).matches(&core), "{text}");
        }
    }

    #[test]
    fn a_kind_is_found_by_every_name_that_its_definition_gives() {
        let names = ["Certificate", "certificates", "certificate", "cert"];
        for text in
            ["cert", "certificates.cert-manager.io", "Certificate.cert-manager.io", "certificates.v1.cert-manager.io"]
        {
            assert!(word(text).matches_names("cert-manager.io", names), "{text}");
        }
        assert!(word("*.cert-manager.io").matches_names("cert-manager.io", names));
        for text in ["certificates.example.org", "cm", "*.example.org"] {
            assert!(!word(text).matches_names("cert-manager.io", names), "{text}");
        }
    }

    #[test]
    fn nonsense_is_no_name() {
        for text in ["", " ", "config maps", "cm/prices", "a.b c"] {
            assert!(text.parse::<KindWord>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn secrets_are_recognised_however_they_are_written() {
        for (text, means) in [("secret", true), ("Secrets", true), ("secrets.", true), ("secretstores", false)] {
            assert_eq!(word(text).names_secrets(), means, "{text}");
        }
        assert!(!word("secrets.example.org").names_secrets());
    }

    #[test]
    fn a_typo_is_near_and_another_word_is_not() {
        let deployment = GroupKind::new("apps", "Deployment");
        assert_eq!(word("deployments").distance(&deployment), Some(0));
        assert_eq!(word("deploymnets").distance(&deployment), Some(2));
        assert!(word("deploym").distance(&deployment).is_some(), "a part of it");
        assert_eq!(word("zzz").distance(&deployment), None);
    }
}
