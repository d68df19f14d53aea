use std::{fs, path::Path};

use serde_json::json;

use crate::error::{Context as _, Result};

/// Where the API server writes it, in the folder of the cluster.
pub(super) const FILE: &str = "audit.jsonl";

/// Arguments for a log of all requests of clients, without bodies. Watches are in it once they are served,
/// everything else once it is answered.
pub(super) fn args(dir: &Path) -> Result<Vec<String>> {
    let policy = json!({
        "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "users": ["system:apiserver", "system:kube-controller-manager"]},
            {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
            {"level": "Metadata"},
        ],
    });
    let path = dir.join("audit-policy.json");
    fs::write(&path, policy.to_string()).context("audit policy")?;
    Ok(vec![
        format!("--audit-policy-file={}", path.display()),
        format!("--audit-log-path={}", dir.join(FILE).display()),
        "--audit-log-mode=blocking".to_owned(),
        // In MiB. By default the log begins anew at 100 of them, and whoever reads from a place finds nothing.
        "--audit-log-maxsize=65536".to_owned(),
    ])
}
