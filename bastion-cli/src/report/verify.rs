//! What `verify` found.

use std::fmt::Write as _;

use bastion_sdk::core::repository::VerifyReport as Found;
use serde::Serialize;

use crate::output::{Report, bytes, count};

/// What was read and what is wrong. The JSON form is stable: fields are added, never renamed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifyReport {
    clean: bool,
    files: u64,
    bytes: u64,
    clusters: u64,
    /// Revisions of objects whose content was compared with its digest.
    revisions: u64,
    /// Files that no log refers to: left by writers that died. They harm nothing.
    unreferenced: u64,
    /// Files whose names mean nothing to this program. They were not read.
    unknown: u64,
    problems: Vec<ProblemLine>,
    /// Problems beyond those that are listed.
    unlisted_problems: u64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProblemLine {
    file: String,
    why: String,
}

impl VerifyReport {
    /// What the library found, for people and programs.
    pub(crate) fn new(found: &Found) -> Self {
        let line =
            |p: &bastion_sdk::core::repository::Problem| ProblemLine { file: p.key.to_string(), why: p.why.clone() };
        Self {
            clean: found.is_clean(),
            files: found.files,
            bytes: found.bytes,
            clusters: found.clusters,
            revisions: found.revisions,
            unreferenced: found.unreferenced,
            unknown: found.unknown,
            problems: found.problems.iter().map(line).collect(),
            unlisted_problems: found.unlisted_problems,
        }
    }
}

impl Report for VerifyReport {
    fn text(&self) -> String {
        let mut text = String::new();
        for p in &self.problems {
            _ = writeln!(text, "DAMAGED  {}: {}", p.file, p.why);
        }
        if self.unlisted_problems > 0 {
            _ = writeln!(text, "and {} more", count(self.unlisted_problems, "problem"));
        }
        _ = writeln!(
            text,
            "read {} ({}) with {} of {}: {}",
            count(self.files, "file"),
            bytes(self.bytes),
            count(self.revisions, "revision"),
            count(self.clusters, "cluster"),
            if self.clean { "everything is as it was written" } else { "damage was found" }
        );
        if self.unreferenced > 0 {
            _ = writeln!(
                text,
                "{} {} to no log (left by writers that crashed; harmless)",
                count(self.unreferenced, "file"),
                if self.unreferenced == 1 { "belongs" } else { "belong" }
            );
        }
        if self.unknown > 0 {
            _ = writeln!(text, "{} are unknown to this version and were not read", count(self.unknown, "file"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use bastion_sdk::core::{repository::Problem, store::Key};

    use super::*;

    #[test]
    fn damage_is_named() {
        let mut found = Found::default();
        (found.files, found.bytes, found.revisions, found.clusters, found.unreferenced) = (12, 34_567, 1, 1, 1);
        let missing = Key::from_segments(["clusters", "prod", "log", "0", "7.seg"]);
        found.problems.push(Problem::new(missing, "it is missing"));
        insta::assert_snapshot!(VerifyReport::new(&found).text(), @r"
        DAMAGED  clusters/prod/log/0/7.seg: it is missing
        read 12 files (35 kB) with 1 revision of 1 cluster: damage was found
        1 file belongs to no log (left by writers that crashed; harmless)
        ");
    }
}
