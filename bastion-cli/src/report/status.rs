//! How far each log is, and what is held back.

use std::fmt::Write as _;

use bastion_sdk::core::{
    record::{Position, Withheld},
    repository::{ClusterInfo, Repository, Snapshot},
    time::Timestamp,
};
use serde::Serialize;

use crate::{
    output::{Report, count, table},
    when,
};

/// What `status` shows. The JSON form is stable: fields are added, never renamed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    pub(crate) repository: RepositoryStatus,
    pub(crate) clusters: Vec<ClusterStatus>,
    /// What the cluster itself says, where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) live: Option<LiveStatus>,
    #[serde(skip)]
    pub(crate) now: Timestamp,
}

/// The repository.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RepositoryStatus {
    pub(crate) id: String,
    pub(crate) digest: String,
    pub(crate) created: Timestamp,
    pub(crate) url: String,
}

impl RepositoryStatus {
    /// What bastion.json says.
    pub(crate) fn new(repo: &Repository, url: &str) -> Self {
        let info = repo.info();
        Self { id: info.id.clone(), digest: info.algorithm.to_string(), created: info.created, url: url.to_owned() }
    }
}

/// A cluster's log.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterStatus {
    pub(crate) name: String,
    uid: String,
    head: HeadStatus,
    /// Up to where each kind is saved, for each policy.
    positions: Vec<PositionStatus>,
    pub(crate) withheld: Vec<WithheldStatus>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct HeadStatus {
    revision: u64,
    /// SHA-256 of the newest segment: note it elsewhere, for a log that was cut off does not show it.
    sha256: String,
    at: Timestamp,
    incarnation: u32,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct PositionStatus {
    policy: String,
    kind: String,
    resource_version: String,
}

/// Deletions of a kind that wait for a person.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WithheldStatus {
    pub(crate) kind: String,
    pub(crate) policy: String,
    pub(crate) count: u64,
    pub(crate) of: u64,
    pub(crate) since: Timestamp,
    pub(crate) examples: Vec<String>,
}

impl From<&Withheld> for WithheldStatus {
    fn from(w: &Withheld) -> Self {
        Self {
            kind: w.kind.to_string(),
            policy: w.policy.to_string(),
            count: w.count,
            of: w.of,
            since: w.since,
            examples: w.examples.iter().map(ToString::to_string).collect(),
        }
    }
}

impl ClusterStatus {
    /// What the end of a log says.
    pub(crate) fn new(info: &ClusterInfo, snapshot: &Snapshot) -> Self {
        let head = snapshot.head();
        let mut positions: Vec<_> = snapshot.positions().iter().map(PositionStatus::from).collect();
        positions.sort_by(|a, b| (&a.policy, &a.kind).cmp(&(&b.policy, &b.kind)));
        Self {
            name: info.name.clone(),
            uid: info.uid.clone(),
            head: HeadStatus {
                revision: head.number,
                sha256: head.digest.to_string(),
                at: head.at,
                incarnation: head.incarnation,
            },
            positions,
            withheld: snapshot.withheld().iter().filter(|w| w.count > 0).map(WithheldStatus::from).collect(),
        }
    }

    /// Whether some policy follows that kind.
    pub(crate) fn follows(&self, kind: &str) -> bool {
        self.positions.iter().any(|p| p.kind == kind)
    }
}

impl From<&Position> for PositionStatus {
    fn from(p: &Position) -> Self {
        Self {
            policy: p.policy.to_string(),
            kind: p.kind.to_string(),
            resource_version: p.resource_version.to_string(),
        }
    }
}

/// What the cluster itself says.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LiveStatus {
    pub(crate) server: String,
    /// Its name in the repository, where it has one.
    pub(crate) cluster: Option<String>,
    /// Why it could not be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// Kinds that are served and not followed.
    pub(crate) skipped: Vec<SkippedStatus>,
}

/// A kind that is not followed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SkippedStatus {
    pub(crate) kind: String,
    pub(crate) why: String,
}

impl Report for Status {
    fn text(&self) -> String {
        let r = &self.repository;
        let mut text = format!("Repository {}\n  id       {}\n  digests  {}\n", r.url, r.id, r.digest);
        _ = writeln!(text, "  created  {}", when::local(r.created));
        if self.clusters.is_empty() {
            text.push_str("\nNothing was backed up yet.\n");
        }
        for cluster in &self.clusters {
            cluster_text(&mut text, cluster, self.now);
        }
        if let Some(live) = &self.live {
            live_text(&mut text, live);
        }
        text
    }
}

fn cluster_text(text: &mut String, cluster: &ClusterStatus, now: Timestamp) {
    let head = &cluster.head;
    _ = writeln!(text, "\nCluster {}  (uid {})", cluster.name, cluster.uid);
    _ = writeln!(text, "  head     {}@{}", head.revision, head.sha256);
    _ = writeln!(text, "  written  {} ago ({})", when::age(head.at, now), when::local(head.at));
    if head.incarnation > 1 {
        _ = writeln!(
            text,
            "  incarnation {}: the cluster's etcd was restored or another cluster was adopted",
            head.incarnation
        );
    }
    let mut policies: Vec<_> = cluster.positions.iter().map(|p| p.policy.as_str()).collect();
    policies.dedup();
    for policy in policies {
        let kinds = cluster.positions.iter().filter(|p| p.policy == policy).count();
        _ = writeln!(text, "  policy   {policy}: {}", count(kinds as u64, "kind"));
    }
    for w in &cluster.withheld {
        _ = writeln!(
            text,
            "  HELD BACK  {} of {} {} deleted (policy {}, since {}): {} …\n             if that was intended, run `bastion deletions accept {}`",
            w.count,
            w.of,
            w.kind,
            w.policy,
            when::local(w.since),
            w.examples.join(", "),
            w.kind
        );
    }
}

fn live_text(text: &mut String, live: &LiveStatus) {
    _ = writeln!(
        text,
        "\nLive at {}: {}",
        live.server,
        match (&live.error, &live.cluster) {
            (Some(error), _) => error.clone(),
            (None, Some(name)) => format!("this is {name}"),
            (None, None) => "this cluster has not been backed up yet".to_owned(),
        }
    );
    if !live.skipped.is_empty() {
        text.push_str("Not followed:\n");
        let rows = live.skipped.iter().map(|s| vec![format!("  {}", s.kind), s.why.clone()]);
        text.push_str(&table(&["  KIND", "WHY"], rows));
    }
}
