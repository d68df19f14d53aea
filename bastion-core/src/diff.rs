//! What differs between two objects: [`structured`] for programs, `unified` (feature `diff`) for people.
//!
//! ```
//! use bastion_core::{canonical::from_bytes, diff};
//!
//! let (old, new) = (from_bytes(br#"{"spec":{"replicas":1}}"#)?, from_bytes(br#"{"spec":{"replicas":3}}"#)?);
//! let differences = diff::structured(&old, &new);
//! assert_eq!(differences[0].path, ".spec.replicas");
//! # Ok::<(), bastion_core::manifest::ManifestError>(())
//! ```

use serde::Serialize;

use crate::manifest::{Manifest, Map, Value};

#[cfg(feature = "diff")]
mod unified;

#[cfg(feature = "diff")]
pub use unified::unified;

/// One difference.
///
/// Serializes as `{"path":".spec.replicas","old":1,"new":3}`; `old` or `new` is left out where there was nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// Where, as kubectl's `JSONPath` would say it: `.spec.ports[name=http].port`.
    pub path: String,
    /// What was there; `None` if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// What is there now; `None` if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

/// The differences, in the order of their places. The items of a list are matched by `name` where all have
/// one and no two the same, by their numbers otherwise.
pub fn structured(old: &Manifest, new: &Manifest) -> Vec<Difference> {
    let mut differences = Vec::new();
    maps(&mut String::new(), old.root(), new.root(), &mut differences);
    differences
}

fn values(path: &mut String, old: &Value, new: &Value, out: &mut Vec<Difference>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => maps(path, old, new, out),
        (Value::Array(old), Value::Array(new)) => lists(path, old, new, out),
        _ if old == new => {}
        _ => out.push(Difference { path: path.clone(), old: Some(old.clone()), new: Some(new.clone()) }),
    }
}

fn maps(path: &mut String, old: &Map, new: &Map, out: &mut Vec<Difference>) {
    let mut keys: Vec<_> = old.keys().chain(new.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        let step = if plain { format!(".{key}") } else { format!("['{key}']") };
        one(path, &step, old.get(key), new.get(key), out);
    }
}

fn lists(path: &mut String, old: &[Value], new: &[Value], out: &mut Vec<Difference>) {
    let (Some(old_names), Some(new_names)) = (names(old), names(new)) else {
        for i in 0..old.len().max(new.len()) {
            one(path, &format!("[{i}]"), old.get(i), new.get(i), out);
        }
        return;
    };
    for (item, name) in old.iter().zip(&old_names) {
        let other = new_names.iter().position(|other| other == name).and_then(|i| new.get(i));
        one(path, &format!("[name={name}]"), Some(item), other, out);
    }
    for (item, name) in new.iter().zip(&new_names).filter(|(_, name)| !old_names.contains(name)) {
        one(path, &format!("[name={name}]"), None, Some(item), out);
    }
    let kept = |these: &[&str], others: &[&str]| -> Vec<String> {
        these.iter().filter(|name| others.contains(name)).map(ToString::to_string).collect()
    };
    let (before, after) = (kept(&old_names, &new_names), kept(&new_names, &old_names));
    if before != after {
        let order = |names: Vec<String>| Some(Value::Array(names.into_iter().map(Value::from).collect()));
        out.push(Difference { path: format!("{path}[order of names]"), old: order(before), new: order(after) });
    }
}

/// The names of a list's items, where each has its own.
fn names(list: &[Value]) -> Option<Vec<&str>> {
    let names: Vec<_> = list.iter().map(|item| item.get(&["name"])?.as_str()).collect::<Option<_>>()?;
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == names.len()).then_some(names)
}

fn one(path: &mut String, step: &str, old: Option<&Value>, new: Option<&Value>, out: &mut Vec<Difference>) {
    let before = path.len();
    path.push_str(step);
    match (old, new) {
        (Some(old), Some(new)) => values(path, old, new, out),
        (None, None) => {}
        (old, new) => out.push(Difference { path: path.clone(), old: old.cloned(), new: new.cloned() }),
    }
    path.truncate(before);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::manifest::{PathSet, tests::any_map};

    fn manifest(json: &str) -> Manifest {
        Manifest::parse(json.as_bytes(), &PathSet::default()).unwrap()
    }

    fn told(old: &str, new: &str) -> String {
        let differences = structured(&manifest(old), &manifest(new));
        differences.iter().map(|d| serde_json::to_string(d).unwrap() + "\n").collect()
    }

    #[test]
    fn differences_name_their_places() {
        insta::assert_snapshot!(told(
            r#"{"metadata":{"labels":{"a.b/c":"1","app":"x"}},"spec":{"ports":[{"name":"http","port":80},{"name":"old","port":1}],"args":["a","b"]}}"#,
            r#"{"metadata":{"labels":{"a.b/c":"2"}},"spec":{"ports":[{"name":"new","port":2},{"name":"http","port":8080}],"args":["a"],"n":null}}"#,
        ), @r#"
        {"path":".metadata.labels['a.b/c']","old":"1","new":"2"}
        {"path":".metadata.labels.app","old":"x"}
        {"path":".spec.args[1]","old":"b"}
        {"path":".spec.n","new":null}
        {"path":".spec.ports[name=http].port","old":80,"new":8080}
        {"path":".spec.ports[name=old]","old":{"name":"old","port":1}}
        {"path":".spec.ports[name=new]","new":{"name":"new","port":2}}
        "#);
        insta::assert_snapshot!(
            told(r#"{"l":[{"name":"a"},{"name":"b"}]}"#, r#"{"l":[{"name":"b"},{"name":"a"}]}"#),
            @r#"{"path":".l[order of names]","old":["a","b"],"new":["b","a"]}"#
        );
    }

    proptest! {
        #[test]
        fn nothing_differs_exactly_between_equals(a in any_map(), b in any_map()) {
            let (a, b) = (Manifest::from(a), Manifest::from(b));
            prop_assert_eq!(structured(&a, &a), vec![]);
            prop_assert_eq!(structured(&a, &b).is_empty(), a == b);
        }
    }
}
