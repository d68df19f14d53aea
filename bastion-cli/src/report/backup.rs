//! What a run of `backup` did.

use std::{collections::BTreeMap, fmt::Write as _};

use bastion_sdk::core::{
    engine::{KindReport, Report as EngineReport},
    store::DryRunReport,
};
use serde::Serialize;

use crate::{
    error::chain,
    output::{Report, bytes, count, table, thousands},
    report::status::{SkippedStatus, WithheldStatus},
};

/// What was done. The JSON form is stable: fields are added, never renamed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BackupReport {
    cluster: String,
    policy: String,
    /// The newest commit of the log after the run.
    revision: u64,
    /// Whether everything that was selected was read and is durable.
    complete: bool,
    total: Numbers,
    kinds: Vec<KindLine>,
    skipped: Vec<SkippedStatus>,
    /// Parts of the cluster that could not be asked for their kinds.
    undiscovered: Vec<SkippedStatus>,
    /// What a dry run would have written.
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<NotWritten>,
    #[serde(skip)]
    cancelled: bool,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
struct NotWritten {
    files: u64,
    bytes: u64,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    seen: u64,
    selected: u64,
    unchanged: u64,
    saved: u64,
    deleted: u64,
    released: u64,
    failed: u64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct KindLine {
    kind: String,
    #[serde(flatten)]
    numbers: Numbers,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<WithheldStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    object: String,
    why: String,
}

impl Numbers {
    fn new(k: &KindReport) -> Self {
        Self {
            seen: k.seen,
            selected: k.selected,
            // The engine counts what it compared, also what is not selected and never was.
            unchanged: k.selected.saturating_sub(k.changed + k.failed).min(k.unchanged),
            saved: k.changed,
            deleted: k.deleted,
            released: k.released,
            failed: k.failed,
        }
    }

    fn add(self, other: Self) -> Self {
        Self {
            seen: self.seen + other.seen,
            selected: self.selected + other.selected,
            unchanged: self.unchanged + other.unchanged,
            saved: self.saved + other.saved,
            deleted: self.deleted + other.deleted,
            released: self.released + other.released,
            failed: self.failed + other.failed,
        }
    }

    fn is_quiet(self) -> bool {
        self.selected + self.saved + self.deleted + self.released + self.failed == 0
    }
}

impl BackupReport {
    /// What the engine reports, for people and programs.
    pub(crate) fn new(cluster: &str, policy: &str, report: &EngineReport) -> Self {
        let kinds: Vec<_> = report
            .kinds
            .iter()
            .map(|(kind, k)| KindLine {
                kind: kind.to_string(),
                numbers: Numbers::new(k),
                failures: k
                    .failures
                    .iter()
                    .map(|f| Failure { object: f.object.to_string(), why: f.failure.message.clone() })
                    .collect(),
                withheld: k.withheld.as_ref().map(WithheldStatus::from),
                error: k.error.as_ref().map(|e| chain(e)),
            })
            .collect();
        Self {
            cluster: cluster.to_owned(),
            policy: policy.to_owned(),
            revision: report.head.number,
            complete: report.is_complete(),
            total: kinds.iter().fold(Numbers::default(), |sum, k| sum.add(k.numbers)),
            kinds,
            skipped: report
                .skipped
                .iter()
                .map(|(kind, why)| SkippedStatus { kind: kind.to_string(), why: why.clone() })
                .collect(),
            undiscovered: report
                .undiscovered
                .iter()
                .map(|part| SkippedStatus { kind: part.what.clone(), why: chain(&part.error) })
                .collect(),
            dry_run: None,
            cancelled: report.cancelled,
        }
    }

    /// With what was not written.
    pub(crate) fn dry_run(self, report: DryRunReport) -> Self {
        Self { dry_run: Some(NotWritten { files: report.files, bytes: report.bytes }), ..self }
    }

    /// What to say where nothing was selected.
    pub(crate) fn nothing(&self) -> String {
        format!(
            "nothing matched: of {} of {} in cluster {:?} none is selected by policy {:?}",
            count(self.total.seen, "object"),
            count(self.kinds.len() as u64, "kind"),
            self.cluster,
            self.policy
        )
    }
}

impl Report for BackupReport {
    fn text(&self) -> String {
        let mut text = String::new();
        let rows = self.kinds.iter().filter(|k| !k.numbers.is_quiet()).map(|k| {
            let n = k.numbers;
            [n.selected, n.saved, n.unchanged, n.deleted, n.released, n.failed].into_iter().fold(
                vec![k.kind.clone()],
                |mut row, number| {
                    row.push(thousands(number));
                    row
                },
            )
        });
        text.push_str(&table(&["KIND", "SELECTED", "SAVED", "UNCHANGED", "DELETED", "RELEASED", "FAILED"], rows));
        let n = self.total;
        _ = writeln!(
            text,
            "\n{}: {} of {}, {} saved, {} unchanged, {} deleted, {} released; revision {}",
            self.cluster,
            count(n.selected, "object"),
            count(self.kinds.len() as u64, "kind"),
            thousands(n.saved),
            thousands(n.unchanged),
            thousands(n.deleted),
            thousands(n.released),
            self.revision
        );
        self.problems(&mut text);
        if let Some(NotWritten { files, bytes: size }) = self.dry_run {
            _ = writeln!(text, "dry run: nothing was written; it would be {} of {}", count(files, "file"), bytes(size));
        }
        text
    }
}

impl BackupReport {
    fn problems(&self, text: &mut String) {
        for kind in &self.kinds {
            for failure in &kind.failures {
                _ = writeln!(text, "FAILED   {}: {}", failure.object, failure.why);
            }
            let unnamed = kind.numbers.failed - kind.failures.len() as u64;
            if unnamed > 0 {
                _ = writeln!(text, "FAILED   {} more of {}", thousands(unnamed), kind.kind);
            }
            if let Some(error) = &kind.error {
                _ = writeln!(text, "NOT READ {}: {error}", kind.kind);
            }
            if let Some(w) = &kind.withheld {
                _ = writeln!(
                    text,
                    "HELD BACK {} of {} {} disappeared at once; if that was intended, run `bastion deletions accept {}`",
                    w.count, w.of, w.kind, w.kind
                );
            }
        }
        for part in &self.undiscovered {
            _ = writeln!(text, "NOT READ {}: {}", part.kind, part.why);
        }
        let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for skipped in &self.skipped {
            reasons.entry(&skipped.why).or_default().push(&skipped.kind);
        }
        for (why, kinds) in reasons {
            _ = writeln!(text, "SKIPPED  {}: {why}", kinds.join(", "));
        }
        if self.cancelled {
            text.push_str("interrupted; what was saved is safe, run it again to continue\n");
        }
    }
}
