//! What `watch` prints while it runs.

use std::{collections::BTreeMap, sync::Arc};

use bastion_core::{pipeline::Stats, time::Timestamp};
use serde::Serialize;

use crate::{
    args::EventFormat,
    error::Result,
    output::{Out, bytes},
    when,
};

/// Something that happened. The JSON form is stable: fields are added, never renamed.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Event {
    /// The log is open.
    Started { at: Timestamp, cluster: String, policy: String },
    /// Changes became durable, in one commit or in several that came close together.
    Saved {
        at: Timestamp,
        /// The last of these commits.
        version: u64,
        commits: u64,
        /// Bytes that were stored.
        stored: u64,
        /// Records of each kind.
        records: BTreeMap<String, u64>,
    },
    /// Everything is durable, or not.
    Stopped { at: Timestamp, version: u64, flushed: bool },
}

impl Event {
    fn text(&self) -> String {
        match self {
            Self::Started { cluster, policy, .. } => {
                format!("watching {cluster} (policy {policy}); Ctrl-C saves what is under way and ends")
            }
            Self::Saved { at, version, stored, records, .. } => {
                let kinds: Vec<_> = records.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
                format!("{}  version {version}  {}  ({})", when::local(*at), kinds.join(", "), bytes(*stored))
            }
            Self::Stopped { version, flushed: true, .. } => {
                format!("stopped at version {version}; everything is saved")
            }
            Self::Stopped { version, flushed: false, .. } => {
                format!(
                    "stopped at version {version}; the storage did not take everything, the next start finds it again"
                )
            }
        }
    }
}

/// Turns what the engine counts into events.
#[derive(Debug)]
pub(crate) struct Events {
    stats: Arc<Stats>,
    format: EventFormat,
    commits: u64,
    stored: u64,
    records: BTreeMap<String, u64>,
}

impl Events {
    /// Nothing happened yet.
    pub(crate) fn new(stats: Arc<Stats>, format: EventFormat) -> Self {
        Self { stats, format, commits: 0, stored: 0, records: BTreeMap::new() }
    }

    /// Prints what was saved since the last call.
    pub(crate) fn tell(&mut self, out: &Out) -> Result<()> {
        let now = self.stats.snapshot();
        if now.engine.commits == self.commits {
            return Ok(());
        }
        let records: BTreeMap<_, _> = now.kinds.iter().map(|(kind, k)| (kind.to_string(), k.committed)).collect();
        let since = |kind: &String, n: u64| n - self.records.get(kind).copied().unwrap_or(0);
        let event = Event::Saved {
            at: now.engine.committed_at.unwrap_or_else(when::now),
            version: now.engine.segment,
            commits: now.engine.commits - self.commits,
            stored: now.engine.stored_bytes - self.stored,
            records: records.iter().map(|(k, n)| (k.clone(), since(k, *n))).filter(|(_, n)| *n > 0).collect(),
        };
        self.commits = now.engine.commits;
        self.stored = now.engine.stored_bytes;
        self.records = records;
        self.print(out, &event)
    }

    /// Prints an event.
    pub(crate) fn print(&self, out: &Out, event: &Event) -> Result<()> {
        match self.format {
            EventFormat::Text => out.line(event.text()),
            EventFormat::Json => out.json_line(event),
        }
    }
}
