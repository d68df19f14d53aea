//! What to back up, and how.

use serde::{Deserialize, Serialize};

use super::{EngineSpec, RuleSpec, Selection, SpecError, Spelling};

/// What to back up, and how.
///
/// ```
/// use bastion_sdk::spec::{BackupSpec, Selection};
///
/// let spec = BackupSpec::select(Selection::all().namespace("shop").labels("tier!=cache".parse()?));
/// assert!(spec.validate().is_ok());
/// let secrets = BackupSpec::select(Selection::all().kind("secrets".parse()?));
/// assert!(secrets.validate().is_err(), "there is no encryption yet");
/// # Ok::<(), bastion_sdk::core::select::SelectionError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct BackupSpec {
    /// Which objects; those that are annotated `backup/enabled: "true"` if nothing is said.
    pub selection: Selection,
    /// What of them is content, beyond the built-in rules.
    pub rules: Vec<RuleSpec>,
    /// Bounds of the engine.
    pub engine: EngineSpec,
    /// Which sort of writer this is: a name of your own for a program that keeps a cluster backed up. A continuous
    /// backup takes over from an older one of the same role, which stops. `backup` or `watch` if nothing is said.
    pub role: Option<String>,
}

impl BackupSpec {
    /// Objects that are annotated `backup/enabled: "true"`, or live in a namespace that is.
    pub fn annotated() -> Self {
        Self::default()
    }

    /// Everything except kinds whose content changes all day by itself (Leases, Events, Endpoints) and Secrets.
    pub fn all() -> Self {
        Self::select(Selection::all())
    }

    /// What this selection takes.
    pub fn select(selection: Selection) -> Self {
        Self { selection, ..Self::default() }
    }

    /// Adds a rule.
    #[must_use]
    pub fn rule(mut self, rule: RuleSpec) -> Self {
        self.rules.push(rule);
        self
    }

    /// Bounds of the engine.
    #[must_use]
    pub fn engine(mut self, engine: EngineSpec) -> Self {
        self.engine = engine;
        self
    }

    /// Which sort of writer this is.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self
    }

    /// Checks what can be checked without a cluster.
    pub fn validate(&self) -> Result<(), SpecError> {
        self.selection.check()?;
        RuleSpec::rules(&self.rules)?;
        if self.role.as_deref() == Some("") {
            return Err(SpecError::new("role", "it is empty"));
        }
        self.engine.validate().map_err(|e| e.within("engine"))
    }

    /// [`BackupSpec::validate`], with the keys as the person wrote them.
    pub fn validate_as(&self, spelling: Spelling<'_>) -> Result<(), SpecError> {
        self.validate().map_err(|e| e.spelled(spelling))
    }
}
