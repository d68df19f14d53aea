use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
};

use serde_json::Value;

use super::{ControlPlane, audit_log::FILE};
use crate::error::{Context as _, Result};

/// A request as the API server saw it.
#[derive(Debug, Clone)]
pub struct Audited {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, …
    pub verb: String,
    /// `ResponseStarted` where a watch begins to be served, `ResponseComplete` where a request is answered whole.
    pub stage: String,
    /// Path and query.
    pub uri: String,
    /// Who asked.
    pub user: String,
    /// What the client calls itself.
    pub agent: String,
    /// The resource in plural, where it is one.
    pub resource: String,
    /// Its API group, empty for core.
    pub group: String,
    /// The status.
    pub code: u16,
}

impl Audited {
    /// A list that reads a resource whole, not just one object to learn the current resourceVersion.
    pub fn is_full_list(&self, resource: &str) -> bool {
        self.verb == "list"
            && self.resource == resource
            && !self.uri.contains("limit=1&")
            && !self.uri.ends_with("limit=1")
    }
}

impl ControlPlane {
    /// Every finished request since the cluster was started, from the API server's audit log.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn audit(&self) -> Result<Vec<Audited>> {
        self.audit_from(0).map(|(requests, _)| requests)
    }

    /// The place where the audit log ends now.
    ///
    /// # Errors
    /// When there is no log.
    pub fn audit_end(&self) -> Result<u64> {
        Ok(fs::metadata(self.dir().join(FILE)).context("audit log")?.len())
    }

    /// The requests since a place in the audit log, and the place after them.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn audit_from(&self, place: u64) -> Result<(Vec<Audited>, u64)> {
        let mut log = File::open(self.dir().join(FILE)).context("audit log")?;
        log.seek(SeekFrom::Start(place)).context("audit log")?;
        let mut text = Vec::new();
        log.read_to_end(&mut text).context("audit log")?;
        // The last line may be half written.
        text.truncate(text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        let end = place + text.len() as u64;
        let events = text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        let requests = events
            .map(|event| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                Audited {
                    verb: text(&event["verb"]),
                    stage: text(&event["stage"]),
                    uri: text(&event["requestURI"]),
                    user: text(&event["user"]["username"]),
                    agent: text(&event["userAgent"]),
                    resource: text(&event["objectRef"]["resource"]),
                    group: text(&event["objectRef"]["apiGroup"]),
                    code: event["responseStatus"]["code"]
                        .as_u64()
                        .and_then(|c| u16::try_from(c).ok())
                        .unwrap_or_default(),
                }
            })
            .collect();
        Ok((requests, end))
    }
}
