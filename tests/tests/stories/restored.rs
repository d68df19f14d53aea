//! What a restore reports, and what the API server saw of it.

use bastion_tests::{Context as _, ControlPlane, Result};
use serde_json::Value;

/// The numbers at the end of `bastion restore -o json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) created: u64,
    pub(crate) updated: u64,
    pub(crate) unchanged: u64,
    pub(crate) skipped: u64,
    pub(crate) failed: u64,
}

impl Counts {
    pub(crate) fn parse(stdout: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(stdout).context(format!("not JSON: {stdout:.500}"))?;
        let count = |name: &str| report[name].as_u64().context(format!("no count {name:?} in {stdout:.500}"));
        Ok(Self {
            created: count("created")?,
            updated: count("updated")?,
            unchanged: count("unchanged")?,
            skipped: count("skipped")?,
            failed: count("failed")?,
        })
    }
}

/// Bastion's own successful requests of these verbs, as the audit log has them.
pub(crate) fn of_bastion(cluster: &ControlPlane, verbs: &[&str]) -> Result<Vec<String>> {
    let all = cluster.audit()?.into_iter();
    let ours = all.filter(|r| r.agent.starts_with("bastion/") && r.code < 300 && verbs.contains(&r.verb.as_str()));
    Ok(ours.map(|r| format!("{} {}", r.verb, r.uri)).collect())
}
