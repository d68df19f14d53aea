//! What of an object is content, beyond the built-in rules.

use std::sync::Arc;

use bastion_core::{
    manifest::Path,
    object::GroupKind,
    sanitize::{Rules, Sanitizer},
};
use serde::{Deserialize, Serialize};

use super::SpecError;

/// A rule for the objects of one kind.
///
/// ```
/// use bastion_sdk::spec::RuleSpec;
///
/// let rule = RuleSpec::new("Deployment.apps").drop_path("spec.replicas");
/// assert!(RuleSpec::sanitizer(&[rule]).is_ok());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct RuleSpec {
    /// The kind as in a manifest, with its group: `ConfigMap`, `Certificate.cert-manager.io`.
    pub kind: String,
    /// Paths that are not content, such as `spec.replicas`: they are not saved, and a change of them is no change.
    #[serde(default)]
    pub drop: Vec<String>,
    /// Keep `status` beside the content.
    #[serde(default)]
    pub keep_status: bool,
}

impl RuleSpec {
    /// A rule for this kind, which says nothing yet.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), ..Self::default() }
    }

    /// Leaves out a path.
    #[must_use]
    pub fn drop_path(mut self, path: impl Into<String>) -> Self {
        self.drop.push(path.into());
        self
    }

    /// Keeps `status` beside the content.
    #[must_use]
    pub fn keep_status(mut self) -> Self {
        self.keep_status = true;
        self
    }

    /// The rules of a backup, and these.
    pub fn rules(rules: &[Self]) -> Result<Rules, SpecError> {
        rules
            .iter()
            .enumerate()
            .try_fold(Rules::backup(), |all, (n, rule)| rule.add_to(all).map_err(|e| e.within(&format!("rules[{n}]"))))
    }

    /// [`RuleSpec::rules`], as the engine takes them.
    pub fn sanitizer(rules: &[Self]) -> Result<Arc<dyn Sanitizer>, SpecError> {
        Ok(Arc::new(Self::rules(rules)?))
    }

    fn add_to(&self, mut rules: Rules) -> Result<Rules, SpecError> {
        let kind = self.group_kind()?;
        for path in &self.drop {
            let wrong = |e: &dyn std::fmt::Display| SpecError::new("drop", format!("{}: {e}", self.kind));
            let path: Path = path.parse().map_err(|e| wrong(&e))?;
            rules = rules.drop_path(kind.clone(), path).map_err(|e| wrong(&e))?;
        }
        Ok(if self.keep_status { rules.keep_status(kind) } else { rules })
    }

    /// Rules are for exact kinds, whether the cluster serves them or not.
    fn group_kind(&self) -> Result<GroupKind, SpecError> {
        let (kind, group) = self.kind.split_once('.').unwrap_or((&self.kind, ""));
        if !kind.starts_with(|c: char| c.is_ascii_uppercase()) {
            let why = "write the kind as in a manifest, with its group: ConfigMap, Deployment.apps";
            return Err(SpecError::new("kind", format!("{:?}: {why}", self.kind)));
        }
        Ok(GroupKind::new(group, kind))
    }
}
