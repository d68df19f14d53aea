//! The Lease as an object.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Where the log ends, as the leader last said: segments cut off at the end do not show from inside the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEnd {
    /// Number of the last segment.
    pub number: u64,
    /// Its digest, in hex.
    pub digest: String,
}

const LOG_NUMBER: &str = "bastion.dev/log-number";
const LOG_DIGEST: &str = "bastion.dev/log-digest";

/// A `coordination.k8s.io/v1` Lease; fields that we do not know stay.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LeaseObject(Map<String, Value>);

impl LeaseObject {
    pub(crate) fn new(name: &str, namespace: &str) -> Self {
        let object = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": { "name": name, "namespace": namespace },
            "spec": { "leaseTransitions": 0 },
        });
        if let Value::Object(map) = object { Self(map) } else { Self(Map::new()) }
    }

    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        crate::meta::read(body).map(Self)
    }

    pub(crate) fn to_json(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    fn spec(&self, field: &str) -> Option<&Value> {
        self.0.get("spec")?.get(field)
    }

    /// Who holds it; `None` if it was given back.
    pub(crate) fn holder(&self) -> Option<&str> {
        self.spec("holderIdentity")?.as_str().filter(|h| !h.is_empty())
    }

    /// How long it lasts after a renewal.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.spec("leaseDurationSeconds").and_then(Value::as_u64).unwrap_or(0))
    }

    /// What changes with every renewal: holder, times, transitions.
    pub(crate) fn record(&self) -> String {
        let parts = ["holderIdentity", "leaseDurationSeconds", "acquireTime", "renewTime", "leaseTransitions"];
        parts.map(|p| self.spec(p).map(Value::to_string).unwrap_or_default()).join(" ")
    }

    pub(crate) fn log_end(&self) -> Option<LogEnd> {
        let annotations = self.0.get("metadata")?.get("annotations")?;
        let number = annotations.get(LOG_NUMBER)?.as_str()?.parse().ok()?;
        Some(LogEnd { number, digest: annotations.get(LOG_DIGEST)?.as_str()?.to_owned() })
    }

    /// With `identity` as a new holder.
    pub(crate) fn taken(&self, identity: &str, duration: Duration, now: Timestamp) -> Self {
        let transitions = self.spec("leaseTransitions").and_then(Value::as_u64).unwrap_or(0);
        let changed = self.holder() != Some(identity);
        let mut new = self.clone();
        new.set("spec", "holderIdentity", json!(identity));
        new.set("spec", "leaseTransitions", json!(transitions + u64::from(changed)));
        new.set("spec", "acquireTime", micro(now));
        new.renewed(None, duration, now)
    }

    /// Renewed by its holder, saying where the log ends.
    pub(crate) fn renewed(&self, end: Option<&LogEnd>, duration: Duration, now: Timestamp) -> Self {
        let mut new = self.clone();
        // At least a second: the API server refuses 0.
        new.set("spec", "leaseDurationSeconds", json!(duration.as_secs().max(1)));
        new.set("spec", "renewTime", micro(now));
        if let Some(end) = end {
            let mut annotations = new.0.get("metadata").and_then(|m| m.get("annotations")).cloned();
            if !annotations.as_ref().is_some_and(Value::is_object) {
                annotations = Some(json!({}));
            }
            if let Some(Value::Object(map)) = &mut annotations {
                map.insert(LOG_NUMBER.into(), json!(end.number.to_string()));
                map.insert(LOG_DIGEST.into(), json!(end.digest));
            }
            new.set("metadata", "annotations", annotations.unwrap_or_default());
        }
        new
    }

    /// Given back: the next candidate need not wait.
    pub(crate) fn freed(&self) -> Self {
        let mut new = self.clone();
        new.set("spec", "holderIdentity", json!(""));
        new.set("spec", "leaseDurationSeconds", json!(1));
        new
    }

    fn set(&mut self, part: &str, field: &str, value: Value) {
        let part = self.0.entry(part).or_insert_with(|| json!({}));
        if let Value::Object(map) = part {
            map.insert(field.to_owned(), value);
        }
    }
}

/// Kubernetes' `MicroTime`.
fn micro(now: Timestamp) -> Value {
    json!(format!("{now:.6}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_lease_goes_from_hand_to_hand_and_keeps_what_others_wrote() {
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        let fifteen = Duration::from_secs(15);
        let first = LeaseObject::new("bastion", "ops").taken("a", fifteen, at);
        assert_eq!(first.holder(), Some("a"));
        assert_eq!(first.log_end(), None);
        let end = LogEnd { number: 7, digest: "ab".into() };
        let mut renewed = first.renewed(Some(&end), fifteen, at);
        renewed.set("metadata", "labels", json!({"team": "x"}));
        let freed = LeaseObject::parse(renewed.freed().to_json().as_bytes()).unwrap();
        assert_eq!((freed.holder(), freed.log_end()), (None, Some(end)));
        let second = freed.taken("b", fifteen, at);
        insta::assert_snapshot!(second.to_json(), @r#"{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"annotations":{"bastion.dev/log-digest":"ab","bastion.dev/log-number":"7"},"labels":{"team":"x"},"name":"bastion","namespace":"ops"},"spec":{"acquireTime":"2023-11-14T22:13:20.000000Z","holderIdentity":"b","leaseDurationSeconds":15,"leaseTransitions":2,"renewTime":"2023-11-14T22:13:20.000000Z"}}"#);
    }
}
