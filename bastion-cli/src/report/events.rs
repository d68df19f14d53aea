//! What `watch` prints while it runs.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use bastion_sdk::core::{
    pipeline::{Saved, Stats},
    time::Timestamp,
};
use serde::Serialize;
use tokio::sync::oneshot;
use tracing::warn;

use crate::{
    args::EventFormat,
    error::{Result, chain},
    output::{Out, bytes},
    report::saved::word,
    when,
};

/// How often to look for new commits.
const EVERY: Duration = Duration::from_millis(200);

/// Objects are named where no more than this became durable at once.
const NAMED: u64 = 100;

/// Names on one line for people.
const SHOWN: usize = 3;

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
        revision: u64,
        commits: u64,
        /// Bytes that were stored.
        stored: u64,
        /// Records of each kind.
        records: BTreeMap<String, u64>,
        /// Each object, where they are not too many.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        objects: Vec<Object>,
    },
    /// Everything is durable, or not.
    Stopped { at: Timestamp, revision: u64, flushed: bool },
}

/// An object that became durable.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Object {
    /// `Deployment.apps shop/web`.
    #[serde(rename = "object")]
    id: String,
    state: &'static str,
    revision: u64,
}

impl From<Saved> for Object {
    fn from(saved: Saved) -> Self {
        Self { id: saved.id.to_string(), state: word(saved.state), revision: saved.revision }
    }
}

impl Event {
    fn text(&self) -> String {
        match self {
            Self::Started { cluster, policy, .. } => {
                format!("watching {cluster} (policy {policy}); Ctrl-C saves what is in flight and exits")
            }
            Self::Saved { at, revision, stored, records, objects, .. } => {
                let what = if objects.is_empty() {
                    let kinds: Vec<_> = records.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
                    kinds.join(", ")
                } else {
                    named(objects)
                };
                format!("{}  revision {revision}: {what}  ({})", when::local(*at), bytes(*stored))
            }
            Self::Stopped { revision, flushed: true, .. } => {
                format!("stopped at revision {revision}; everything is saved")
            }
            Self::Stopped { revision, flushed: false, .. } => {
                format!("stopped at revision {revision}; not everything was stored, the next start finds the rest")
            }
        }
    }
}

fn named(objects: &[Object]) -> String {
    let mut words: Vec<_> = objects.iter().take(SHOWN).map(|o| format!("{} {}", o.state, o.id)).collect();
    if objects.len() > SHOWN {
        words.push(format!("and {} more", objects.len() - SHOWN));
    }
    words.join(", ")
}

/// Turns what the engine counts into events.
#[derive(Debug)]
pub(crate) struct Events {
    out: Out,
    stats: Arc<Stats>,
    format: EventFormat,
    commits: u64,
    stored: u64,
    records: BTreeMap<String, u64>,
}

impl Events {
    /// Nothing happened so far.
    pub(crate) fn new(stats: Arc<Stats>, format: EventFormat) -> Self {
        Self { out: Out::default(), stats, format, commits: 0, stored: 0, records: BTreeMap::new() }
    }

    /// Prints what happens, until `end` says how it ended. To be run beside the engine: while a reader stalls
    /// this waits, and then tells of several commits at once; when the reader goes away, this ends.
    pub(crate) async fn follow(mut self, started: Event, end: oneshot::Receiver<Event>) {
        if let Err(e) = self.print_all(&started, end).await {
            warn!("{}; changes are still saved, but no longer printed", chain(&e));
        }
    }

    async fn print_all(&mut self, started: &Event, mut end: oneshot::Receiver<Event>) -> Result<()> {
        self.print(started)?;
        let mut tick = tokio::time::interval(EVERY);
        let stopped = loop {
            tokio::select! {
                stopped = &mut end => break stopped,
                _ = tick.tick() => self.tell()?,
            }
        };
        self.tell()?;
        // Without an event it failed, which the error says.
        stopped.map_or(Ok(()), |stopped| self.print(&stopped))
    }

    /// Prints what was saved since the last call.
    fn tell(&mut self) -> Result<()> {
        let now = self.stats.snapshot();
        if now.engine.commits == self.commits {
            return Ok(());
        }
        let total: BTreeMap<_, _> = now.kinds.iter().map(|(kind, k)| (kind.to_string(), k.committed)).collect();
        let since = |kind: &String, n: u64| n - self.records.get(kind).copied().unwrap_or(0);
        let records: BTreeMap<_, _> =
            total.iter().map(|(k, n)| (k.clone(), since(k, *n))).filter(|(_, n)| *n > 0).collect();
        let few = records.values().sum::<u64>() <= NAMED;
        // Also where they are too many: the next event is not theirs.
        let saved = self.stats.take_saved();
        let event = Event::Saved {
            at: now.engine.committed_at.unwrap_or_else(when::now),
            revision: now.engine.revision,
            commits: now.engine.commits - self.commits,
            stored: now.engine.stored_bytes - self.stored,
            objects: if few { saved.into_iter().map(Object::from).collect() } else { Vec::new() },
            records,
        };
        self.commits = now.engine.commits;
        self.stored = now.engine.stored_bytes;
        self.records = total;
        self.print(&event)
    }

    /// Prints an event.
    fn print(&self, event: &Event) -> Result<()> {
        // A pipe that nobody empties blocks; the engine needs its threads.
        tokio::task::block_in_place(|| match self.format {
            EventFormat::Text => self.out.line(event.text()),
            EventFormat::Json => self.out.json_line(event),
        })?;
        if self.out.is_unread() { Err(io::Error::from(io::ErrorKind::BrokenPipe).into()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_one_line() {
        let object = |name: &str| Object { id: format!("ConfigMap shop/{name}"), state: "saved", revision: 42 };
        let saved = |objects| Event::Saved {
            at: Timestamp::default(),
            revision: 42,
            commits: 1,
            stored: 1234,
            records: [("ConfigMap".to_owned(), 4)].into(),
            objects,
        };
        let text = |event: Event| event.text().split_once("  ").map(|(_, text)| text.to_owned()).unwrap_or_default();
        assert_eq!(
            text(saved(["a", "b", "c", "d"].map(object).to_vec())),
            "revision 42: saved ConfigMap shop/a, saved ConfigMap shop/b, saved ConfigMap shop/c, and 1 more  (1.2 kB)"
        );
        assert_eq!(text(saved(Vec::new())), "revision 42: 4 ConfigMap  (1.2 kB)");
        insta::assert_snapshot!(
            serde_json::to_string(&saved(vec![object("a")])).unwrap_or_default(),
            @r#"{"event":"saved","at":"1970-01-01T00:00:00.000Z","revision":42,"commits":1,"stored":1234,"records":{"ConfigMap":4},"objects":[{"object":"ConfigMap shop/a","state":"saved","revision":42}]}"#
        );
    }
}
