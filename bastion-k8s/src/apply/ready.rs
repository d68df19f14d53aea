//! Whether a namespace can be filled.

use serde::Deserialize;

/// The phase of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Objects can be made in it.
    Active,
    /// It is being deleted: creating in it is forbidden.
    Terminating,
}

#[derive(Deserialize)]
struct Raw {
    metadata: RawMeta,
    #[serde(default)]
    status: RawStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMeta {
    deletion_timestamp: Option<String>,
}

#[derive(Deserialize, Default)]
struct RawStatus {
    #[serde(default)]
    phase: String,
}

/// Reads it from the object.
pub(crate) fn namespace(object: &[u8]) -> Result<Phase, String> {
    let raw: Raw = crate::meta::read(object)?;
    let ending = raw.metadata.deletion_timestamp.is_some() || raw.status.phase == "Terminating";
    Ok(if ending { Phase::Terminating } else { Phase::Active })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_that_is_being_deleted_says_so() {
        assert_eq!(namespace(br#"{"metadata":{},"status":{"phase":"Active"}}"#), Ok(Phase::Active));
        assert_eq!(namespace(br#"{"metadata":{},"status":{"phase":"Terminating"}}"#), Ok(Phase::Terminating));
        assert_eq!(namespace(br#"{"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"}}"#), Ok(Phase::Terminating));
    }
}
