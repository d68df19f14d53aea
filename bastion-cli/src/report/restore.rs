//! What a restore did, or would do.

use std::{collections::BTreeMap, fmt::Write as _};

use bastion_sdk::core::{
    object::GroupKind,
    restore::{Outcome, RestorePlan, RestoreReport as Done, SkippedObject},
};
use serde::Serialize;

use crate::{
    exit::Exit,
    output::{Report, printable, thousands},
};

/// What was done. The JSON form is stable: fields are added, never renamed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RestoreReport {
    /// The API server that was restored into.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    /// The plan, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<RestorePlan>,
    /// Why the plan could not be compared with the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_compared: Option<String>,
    created: usize,
    updated: usize,
    unchanged: usize,
    /// Objects that exist, differ, and were left as they are.
    skipped: usize,
    /// Objects that the plan leaves out: a controller makes them again.
    left_out: usize,
    failed: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Done>,
}

impl RestoreReport {
    /// What the applier did.
    pub(crate) fn new(done: Done, server: String) -> Self {
        Self {
            server: Some(server),
            plan: None,
            not_compared: None,
            created: done.count(Outcome::Created),
            updated: done.count(Outcome::Updated),
            unchanged: done.count(Outcome::Unchanged),
            skipped: done.count(Outcome::Skipped),
            left_out: done.skipped.len(),
            failed: done.count(Outcome::Failed),
            report: Some(done),
        }
    }

    /// With the plan above it.
    pub(crate) fn with_plan(self, plan: RestorePlan) -> Self {
        Self { plan: Some(plan), ..self }
    }

    /// A plan that could not be compared with a cluster.
    pub(crate) fn plan_only(plan: RestorePlan, why: &str) -> Self {
        Self {
            server: None,
            left_out: plan.skipped().len(),
            plan: Some(plan),
            not_compared: Some(why.to_owned()),
            created: 0,
            updated: 0,
            unchanged: 0,
            skipped: 0,
            failed: 0,
            report: None,
        }
    }

    /// How the run ends.
    pub(crate) fn exit(&self) -> Exit {
        match &self.report {
            Some(done) if done.cancelled => Exit::Interrupted,
            Some(done) if !done.is_complete() => Exit::Partial,
            _ => Exit::Ok,
        }
    }
}

impl Report for RestoreReport {
    fn text(&self) -> String {
        let mut text = String::new();
        if let Some(plan) = &self.plan {
            _ = writeln!(text, "{plan}");
        }
        if let Some(why) = &self.not_compared {
            _ = writeln!(text, "Not compared with a cluster: {why}");
        }
        if let Some(done) = &self.report {
            self.outcome(done, &mut text);
        }
        text
    }
}

impl RestoreReport {
    fn outcome(&self, done: &Done, text: &mut String) {
        for object in &done.objects {
            let what = match object.outcome {
                Outcome::Failed => "FAILED ",
                Outcome::Skipped => "SKIPPED",
                _ if object.notes.is_empty() => continue,
                _ => "NOTE   ",
            };
            let why = object.why.iter().chain(&object.notes).map(String::as_str).collect::<Vec<_>>().join("; ");
            _ = writeln!(text, "{what}  {}: {}", object.target, printable(&why));
        }
        // A plan above has listed these already.
        if self.plan.is_none() {
            text.push_str(&left_out(&done.skipped));
        }
        let n = |count: usize| thousands(count as u64);
        _ = writeln!(
            text,
            "{}{}: {} created, {} updated, {} unchanged, {} skipped, {} left out, {} failed",
            if done.dry_run { "would be in " } else { "" },
            self.server.as_deref().unwrap_or_default(),
            n(self.created),
            n(self.updated),
            n(self.unchanged),
            n(self.skipped),
            n(self.left_out),
            n(self.failed)
        );
        if done.cancelled {
            text.push_str("interrupted; run it again to continue\n");
        }
    }
}

/// What the plan leaves out, a line for each kind and reason: a cluster has hundreds of such objects. The plan
/// and the other formats name each.
fn left_out(skipped: &[SkippedObject]) -> String {
    let mut reasons: BTreeMap<(GroupKind, &str), Vec<&SkippedObject>> = BTreeMap::new();
    for object in skipped {
        reasons.entry((object.id.group_kind(), &object.why)).or_default().push(object);
    }
    let mut text = String::new();
    for ((kind, why), objects) in reasons {
        let what = match objects.as_slice() {
            [one] => one.id.to_string(),
            many => format!("{} of {kind}", thousands(many.len() as u64)),
        };
        _ = writeln!(text, "LEFT OUT {what}: {}", printable(why));
    }
    text
}

#[cfg(test)]
mod tests {
    use bastion_sdk::core::object::ObjectId;

    use super::*;

    #[test]
    fn what_is_left_out_is_counted_by_kind_and_reason() {
        let skipped = |kind: &GroupKind, name: &str, why: &str| SkippedObject::new(ObjectId::new(kind, "", name), why);
        let (node, service) = (GroupKind::new("", "Node"), GroupKind::new("apiregistration.k8s.io", "APIService"));
        let all = [
            skipped(&service, "v1.", "the API server registers it"),
            skipped(&node, "node-1", "nodes register themselves"),
            skipped(&service, "v1.apps", "the API server registers it"),
        ];
        insta::assert_snapshot!(left_out(&all), @r"
        LEFT OUT Node node-1: nodes register themselves
        LEFT OUT 2 of APIService.apiregistration.k8s.io: the API server registers it
        ");
    }
}
