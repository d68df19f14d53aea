//! Small changes to an object's JSON that leave every other byte as it is: numbers that no parser of ours
//! could hold survive.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The members of an object in their order, values untouched.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(key) = map.next_key::<Key<'de>>()? {
                    members.push((key.0, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// `body` with these members of `metadata` set; `None` takes one out.
pub(crate) fn with_metadata(body: &[u8], set: &[(&str, Option<&str>)]) -> Result<Bytes, String> {
    let top: Members<'_> = crate::meta::read(body)?;
    let metadata = top.0.iter().find(|(key, _)| key == "metadata").map_or("{}", |(_, value)| value.get());
    let old: Members<'_> = crate::meta::read(metadata.as_bytes())?;
    let kept = old.0.iter().filter(|(key, _)| !set.iter().any(|(name, _)| name == key));
    let mut new: Vec<(&str, String)> = kept.map(|(key, value)| (key.as_ref(), value.get().to_owned())).collect();
    for (name, value) in set {
        if let Some(value) = value {
            new.push((name, quote(value)));
        }
    }
    let metadata = join(new.iter().map(|(key, value)| (*key, value.as_str())));
    let others = top.0.iter().filter(|(key, _)| key != "metadata").map(|(key, value)| (key.as_ref(), value.get()));
    Ok(join(others.chain([("metadata", metadata.as_str())])).into())
}

fn join<'a>(members: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::from("{");
    for (i, (key, value)) in members.enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&quote(key));
        out.push(':');
        out.push_str(value);
    }
    out.push('}');
    out
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_what_is_set_changes() {
        let body = br#"{"a":1e400,"metadata":{"name":"n","uid":"old","resourceVersion":"1","labels":{"x": "\u00e9"}},"b":18446744073709551616}"#;
        let new = with_metadata(body, &[("resourceVersion", Some("7")), ("uid", None)]).unwrap();
        assert_eq!(
            new,
            r#"{"a":1e400,"b":18446744073709551616,"metadata":{"name":"n","labels":{"x": "\u00e9"},"resourceVersion":"7"}}"#
        );
        assert_eq!(with_metadata(b"{}", &[("uid", Some("a\"b"))]).unwrap(), r#"{"metadata":{"uid":"a\"b"}}"#);
        assert!(with_metadata(b"[]", &[]).is_err());
    }
}
