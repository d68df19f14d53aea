use std::collections::BTreeMap;

use serde::Serialize;

use crate::{error::Error, object::GroupKind, pipeline::KindReport, repository::Head};

/// What a run did.
///
/// It serializes with these fields in camelCase, kinds under their names as kubectl spells them:
///
/// ```json
/// {
///   "kinds": {"ConfigMap": {"seen": 2, "selected": 2, "unchanged": 0, "changed": 1, "deleted": 0, "released": 0,
///     "failed": 1, "failures": [{"object": "ConfigMap shop/a", "category": "invalid", "message": "..."}]}},
///   "skipped": {"Lease.coordination.k8s.io": "changes all day by itself"},
///   "undiscovered": [{"what": "metrics.k8s.io", "error": {"category": "unavailable", "message": "..."}}],
///   "head": {"number": 7, "digest": "...", "at": "2026-01-01T00:00:00.000Z", "incarnation": 1, "clusterUid": "..."},
///   "cancelled": false,
///   "flushed": true
/// }
/// ```
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Report {
    /// Each kind that was followed.
    #[serde(serialize_with = "crate::serialize::display_keys")]
    pub kinds: BTreeMap<GroupKind, KindReport>,
    /// Kinds that exist and were not followed, and why.
    #[serde(serialize_with = "crate::serialize::display_keys")]
    pub skipped: BTreeMap<GroupKind, String>,
    /// Parts of discovery that failed.
    pub undiscovered: Vec<Undiscovered>,
    /// The end of the log after the run.
    pub head: Head,
    /// Whether the run was told to stop.
    pub cancelled: bool,
    /// Whether everything that was seen is durable: not so where a stop had to cut something off.
    pub flushed: bool,
}

/// A part of discovery that failed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Undiscovered {
    /// Which group, or what else.
    pub what: String,
    /// Why.
    pub error: Error,
}

impl Report {
    /// Whether everything that was to be read was read and is durable.
    pub fn is_complete(&self) -> bool {
        self.flushed
            && !self.cancelled
            && self.undiscovered.is_empty()
            && self.kinds.values().all(|k| k.error.is_none() && k.failed == 0)
    }

    /// The sum of a number over all kinds: `report.total(|k| k.changed)`.
    pub fn total(&self, number: impl Fn(&KindReport) -> u64) -> u64 {
        self.kinds.values().map(number).sum()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{
        error::{Category, Failure},
        object::ObjectId,
        pipeline::ObjectFailure,
        record::Withheld,
        source::SourceError,
        time::Timestamp,
    };

    #[test]
    fn a_report_serializes_in_the_documented_shape() {
        let kind = GroupKind::new("", "ConfigMap");
        let forbidden = || SourceError { what: "cannot list".into(), category: Category::Denied, source: None };
        let failure = Failure::from(&Error::Invalid("it has no metadata".into()));
        let of_kind = KindReport {
            seen: 3,
            selected: 2,
            changed: 1,
            failed: 1,
            failures: vec![ObjectFailure::new(ObjectId::new(&kind, "shop", "a"), failure)],
            withheld: Some(Withheld {
                kind: kind.clone(),
                policy: "all".into(),
                count: 60,
                of: 100,
                since: Timestamp::from_millis(0),
                examples: vec!["shop/b".into()],
            }),
            error: Some(forbidden().into()),
            ..KindReport::default()
        };
        let report = Report {
            kinds: [(kind, of_kind)].into(),
            skipped: [(GroupKind::new("coordination.k8s.io", "Lease"), "changes all day by itself".into())].into(),
            undiscovered: vec![Undiscovered { what: "metrics.k8s.io".into(), error: forbidden().into() }],
            head: Head { number: 7, incarnation: 1, cluster_uid: "f00".into(), ..Head::default() },
            flushed: true,
            ..Report::default()
        };
        insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap(), @r#"
        {
          "kinds": {
            "ConfigMap": {
              "seen": 3,
              "selected": 2,
              "unchanged": 0,
              "changed": 1,
              "deleted": 0,
              "released": 0,
              "failed": 1,
              "failures": [
                {
                  "object": "ConfigMap shop/a",
                  "category": "invalid",
                  "message": "it has no metadata"
                }
              ],
              "withheld": {
                "kind": "ConfigMap",
                "policy": "all",
                "count": 60,
                "of": 100,
                "since": "1970-01-01T00:00:00.000Z",
                "examples": [
                  "shop/b"
                ]
              },
              "error": {
                "category": "denied",
                "message": "cluster: cannot list"
              }
            }
          },
          "skipped": {
            "Lease.coordination.k8s.io": "changes all day by itself"
          },
          "undiscovered": [
            {
              "what": "metrics.k8s.io",
              "error": {
                "category": "denied",
                "message": "cluster: cannot list"
              }
            }
          ],
          "head": {
            "number": 7,
            "digest": "0000000000000000000000000000000000000000000000000000000000000000",
            "at": "1970-01-01T00:00:00.000Z",
            "incarnation": 1,
            "clusterUid": "f00"
          },
          "cancelled": false,
          "flushed": true
        }
        "#);
    }
}
