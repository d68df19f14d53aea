use super::value::Value;
use crate::object::GroupKind;

/// An entry of `metadata.ownerReferences`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerReference {
    /// `apiVersion` of the owner.
    pub api_version: String,
    /// Kind of the owner.
    pub kind: String,
    /// Name of the owner; it lives in the same namespace or in none.
    pub name: String,
    /// uid of the owner.
    pub uid: String,
    /// Whether the owner manages the object.
    pub controller: bool,
}

impl OwnerReference {
    /// Group and kind of the owner.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind::new(group_of(&self.api_version), self.kind.as_str())
    }
}

/// The group in an `apiVersion`; empty for the core group.
pub(super) fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

pub(super) fn owner_reference(value: &Value) -> Option<OwnerReference> {
    let map = value.as_object()?;
    let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(OwnerReference {
        api_version: text("apiVersion")?,
        kind: text("kind")?,
        name: text("name")?,
        uid: text("uid").unwrap_or_default(),
        controller: map.get("controller") == Some(&Value::Bool(true)),
    })
}
