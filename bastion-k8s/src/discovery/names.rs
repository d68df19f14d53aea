//! Names of kinds as people type them: `cm`, `configmaps`, `ConfigMap`, `certificates.cert-manager.io`.

use crate::{
    discovery::Resource,
    error::{Error, Result},
};

/// A name as a person gave it, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KindPattern {
    name: String,
    group: Option<String>,
}

impl KindPattern {
    /// Understands `name`, `name.group`, `name.version.group` and `*.group`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let lower = text.trim().to_ascii_lowercase();
        let (name, group) = match lower.split_once('.') {
            Some((name, group)) => (name, Some(without_version(group))),
            None => (lower.as_str(), None),
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if name.is_empty() || !(name == "*" || name.chars().all(fits)) || group.is_some_and(|g| !g.chars().all(fits)) {
            return Err(Error::Selection(format!(
                "{text:?} is no name of a kind; write for example configmaps, cm or certificates.cert-manager.io"
            )));
        }
        Ok(Self { name: name.to_owned(), group: group.map(str::to_owned) })
    }

    /// Whether it means this resource: by plural, singular, kind or short name, and by group where one is given.
    pub(crate) fn matches(&self, resource: &Resource) -> bool {
        if self.group.as_deref().is_some_and(|g| g != resource.group) {
            return false;
        }
        self.name == "*"
            || self.name == resource.plural
            || self.name == resource.singular
            || self.name.eq_ignore_ascii_case(&resource.kind)
            || resource.short_names.contains(&self.name)
    }

    /// Whether Secrets are meant by name.
    pub(crate) fn names_secrets(&self) -> bool {
        matches!(self.name.as_str(), "secret" | "secrets") && self.group.as_deref().is_none_or(str::is_empty)
    }

    /// Names of resources that look like it, the nearest first, five at most.
    pub(crate) fn near(&self, resources: &[Resource]) -> Vec<String> {
        let mut near: Vec<(usize, String)> = resources
            .iter()
            .filter_map(|resource| {
                let kind = resource.kind.to_ascii_lowercase();
                let names = [resource.plural.as_str(), resource.singular.as_str(), kind.as_str()];
                let distance = names.iter().map(|n| distance(&self.name, n)).min()?;
                let inside = self.name.len() > 3 && names.iter().any(|n| n.contains(&self.name));
                let allowed = (self.name.len() / 3).clamp(1, 3);
                (distance <= allowed || inside).then(|| (distance, resource.full_name()))
            })
            .collect();
        near.sort();
        near.dedup();
        near.into_iter().take(5).map(|(_, name)| name).collect()
    }
}

/// `v1.apps` → `apps`: kubectl's three-part form names a version, selection does not.
fn without_version(group: &str) -> &str {
    let is_version = |part: &str| {
        let mut digits = part.strip_prefix('v').unwrap_or("").chars();
        digits.next().is_some_and(|c| c.is_ascii_digit()) && digits.all(|c| c.is_ascii_alphanumeric())
    };
    match group.split_once('.') {
        Some((version, rest)) if is_version(version) => rest,
        None if is_version(group) => "",
        _ => group,
    }
}

/// Levenshtein's distance: how many letters must be added, dropped or changed.
fn distance(a: &str, b: &str) -> usize {
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

    fn resource(group: &str, kind: &str, plural: &str, short: &[&str]) -> Resource {
        Resource {
            group: group.into(),
            kind: kind.into(),
            plural: plural.into(),
            singular: kind.to_ascii_lowercase(),
            short_names: short.iter().map(ToString::to_string).collect(),
            ..Resource::default()
        }
    }

    #[test]
    fn a_kind_is_found_by_every_name_kubectl_knows() {
        let cm = resource("", "ConfigMap", "configmaps", &["cm"]);
        let certificate = resource("cert-manager.io", "Certificate", "certificates", &["cert"]);
        for name in ["cm", "configmap", "configmaps", "ConfigMap", "CONFIGMAPS", "configmaps.v1", "configmaps."] {
            let pattern = KindPattern::parse(name).unwrap();
            assert!(pattern.matches(&cm), "{name}");
            assert!(!pattern.matches(&certificate), "{name}");
        }
        for name in
            ["cert", "certificates.cert-manager.io", "Certificate.cert-manager.io", "certificates.v1.cert-manager.io"]
        {
            assert!(KindPattern::parse(name).unwrap().matches(&certificate), "{name}");
        }
        assert!(KindPattern::parse("*.cert-manager.io").unwrap().matches(&certificate));
        assert!(!KindPattern::parse("certificates.example.org").unwrap().matches(&certificate));
    }

    #[test]
    fn nonsense_is_no_name() {
        for name in ["", " ", "config maps", "cm/prices", "a.b c"] {
            assert!(KindPattern::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_misspelt_kind_gets_its_neighbours() {
        let all = [
            resource("", "ConfigMap", "configmaps", &["cm"]),
            resource("apps", "Deployment", "deployments", &["deploy"]),
            resource("cert-manager.io", "Certificate", "certificates", &[]),
            resource("cert-manager.io", "CertificateRequest", "certificaterequests", &[]),
        ];
        let near = |name: &str| KindPattern::parse(name).unwrap().near(&all);
        assert_eq!(near("deploymnets"), ["deployments.apps"]);
        assert_eq!(near("certificat"), ["certificates.cert-manager.io", "certificaterequests.cert-manager.io"]);
        assert_eq!(near("zzz"), Vec::<String>::new());
    }

    #[test]
    fn secrets_are_recognised_however_they_are_written() {
        for (name, means) in [("secret", true), ("Secrets", true), ("secrets.", true), ("secretstores", false)] {
            assert_eq!(KindPattern::parse(name).unwrap().names_secrets(), means, "{name}");
        }
        assert!(!KindPattern::parse("secrets.example.org").unwrap().names_secrets());
    }
}
