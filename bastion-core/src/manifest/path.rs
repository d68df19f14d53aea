//! Paths in objects, `.spec.rules[*].host`, and sets of them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use super::value::{Map, Value};

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathSegment {
    /// The entry of a map with this key.
    Key(String),
    /// Every item of a list, every entry of a map.
    Any,
}

/// A path in an object.
///
/// Written like kubectl's `JSONPath`, `.spec.rules[*].host`, `$.metadata.annotations['example.com/at']`, or as a
/// JSON pointer (RFC 6901), `/metadata/annotations/example.com~1at`, where `*` alone stands for every item.
/// Items of lists have no fixed position, so a path cannot name one by its number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Vec<PathSegment>);

/// Why a text is not a path, or a path cannot be used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} cannot be used: {why}")]
pub struct PathError {
    path: String,
    why: &'static str,
}

impl Path {
    /// A path of map keys.
    pub fn of(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| PathSegment::Key((*key).to_owned())).collect())
    }

    /// A path of map keys, then every item there, then map keys again.
    pub(crate) fn any_of(keys: &[&str], beneath: &[&str]) -> Self {
        let Self(mut segments) = Self::of(keys);
        segments.push(PathSegment::Any);
        segments.extend(Self::of(beneath).0);
        Self(segments)
    }

    /// Refuses a path for this reason.
    pub(crate) fn refuse(&self, why: &'static str) -> PathError {
        PathError { path: self.to_string(), why }
    }

    /// Its steps.
    pub fn segments(&self) -> &[PathSegment] {
        &self.0
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let segments = if text.starts_with('/') { Ok(pointer(text)) } else { json_path(text) };
        let refuse = |why| PathError { path: text.to_owned(), why };
        let segments = segments.map_err(refuse)?;
        if segments.is_empty() { Err(refuse("it names the whole object")) } else { Ok(Self(segments)) }
    }
}

fn pointer(text: &str) -> Vec<PathSegment> {
    let segment = |part: &str| match part {
        "*" => PathSegment::Any,
        key => PathSegment::Key(key.replace("~1", "/").replace("~0", "~")),
    };
    text.split('/').skip(1).map(segment).collect()
}

fn json_path(text: &str) -> Result<Vec<PathSegment>, &'static str> {
    let mut rest = text.strip_prefix('$').unwrap_or(text);
    let mut segments = Vec::new();
    // The first dot may be left out.
    if !rest.is_empty() && !rest.starts_with(['.', '[']) {
        rest = name(rest, &mut segments)?;
    }
    while !rest.is_empty() {
        rest = if let Some(after) = rest.strip_prefix("[*]") {
            segments.push(PathSegment::Any);
            after
        } else if let Some(after) = rest.strip_prefix("['") {
            let (key, after) = after.split_once("']").ok_or("a quote is never closed")?;
            segments.push(PathSegment::Key(key.to_owned()));
            after
        } else if let Some(after) = rest.strip_prefix('.') {
            name(after, &mut segments)?
        } else {
            return Err("only [*] and ['key'] are allowed in brackets");
        };
    }
    Ok(segments)
}

fn name<'a>(text: &'a str, segments: &mut Vec<PathSegment>) -> Result<&'a str, &'static str> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return Err("a name is empty");
    }
    segments.push(if name == "*" { PathSegment::Any } else { PathSegment::Key(name.to_owned()) });
    Ok(rest)
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.0 {
            match segment {
                PathSegment::Any => f.write_str("[*]")?,
                PathSegment::Key(key) if key.is_empty() || key == "*" || key.contains(['.', '[', '\'']) => {
                    write!(f, "['{key}']")?;
                }
                PathSegment::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// A set of paths in objects, as a tree that is walked while parsing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PathSet {
    /// Whether this very place is in the set.
    here: bool,
    keys: BTreeMap<String, PathSet>,
    /// What holds for every item or entry; also merged into `keys`, so that one look-up does.
    any: Option<Box<PathSet>>,
}

/// Where one step leads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    /// Into the set: leave it out.
    Skip,
    /// Beneath it some places are in the set.
    Into(&'a PathSet),
    /// Nothing beneath is in the set.
    Keep,
}

impl<'a> Step<'a> {
    pub(crate) fn beneath(self) -> Option<&'a PathSet> {
        if let Self::Into(set) = self { Some(set) } else { None }
    }
}

impl PathSet {
    /// Adds a path.
    pub fn insert(&mut self, path: &Path) {
        self.insert_segments(path.segments());
    }

    fn insert_segments(&mut self, segments: &[PathSegment]) {
        match segments {
            [] => self.here = true,
            [PathSegment::Key(key), rest @ ..] => {
                let any = &self.any;
                let child = self.keys.entry(key.clone()).or_insert_with(|| any.as_deref().cloned().unwrap_or_default());
                child.insert_segments(rest);
            }
            [PathSegment::Any, rest @ ..] => {
                self.any.get_or_insert_default().insert_segments(rest);
                for child in self.keys.values_mut() {
                    child.insert_segments(rest);
                }
            }
        }
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        !self.here && self.keys.is_empty() && self.any.is_none()
    }

    pub(crate) fn key(&self, key: &str) -> Step<'_> {
        Self::step(self.keys.get(key).or(self.any.as_deref()))
    }

    pub(crate) fn item(&self) -> Step<'_> {
        Self::step(self.any.as_deref())
    }

    fn step(set: Option<&Self>) -> Step<'_> {
        match set {
            None => Step::Keep,
            Some(set) if set.here => Step::Skip,
            Some(set) => Step::Into(set),
        }
    }

    pub(super) fn remove_from_map(&self, map: &mut Map) {
        map.retain(|key, value| match self.key(key) {
            Step::Skip => false,
            Step::Keep => true,
            Step::Into(set) => {
                set.remove_from_value(value);
                true
            }
        });
    }

    fn remove_from_value(&self, value: &mut Value) {
        match value {
            Value::Object(map) => self.remove_from_map(map),
            Value::Array(list) => match self.item() {
                Step::Skip => list.clear(),
                Step::Keep => {}
                Step::Into(set) => list.iter_mut().for_each(|item| set.remove_from_value(item)),
            },
            _ => {}
        }
    }
}

impl FromIterator<Path> for PathSet {
    fn from_iter<I: IntoIterator<Item = Path>>(paths: I) -> Self {
        let mut set = Self::default();
        paths.into_iter().for_each(|path| set.insert(&path));
        set
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::manifest::Manifest;

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    #[test]
    fn two_spellings_one_path() {
        assert_eq!(path(".spec.rules[*].host"), path("/spec/rules/*/host"));
        assert_eq!(path("$.spec.replicas"), path("spec.replicas"));
        assert_eq!(path(".metadata.annotations['a.b/c']"), path("/metadata/annotations/a.b~1c"));
        assert_eq!(path("/metadata/annotations/a.b~1c").to_string(), ".metadata.annotations['a.b/c']");
        for text in [".spec.rules[*].host", ".a['b.c'].d"] {
            assert_eq!(path(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_path_says_why() {
        insta::assert_snapshot!(".spec.rules[0]".parse::<Path>().unwrap_err(),
            @r#"".spec.rules[0]" cannot be used: only [*] and ['key'] are allowed in brackets"#);
        for text in ["", "$", ".", "a..b", "a['b"] {
            assert!(text.parse::<Path>().is_err(), "{text}");
        }
    }

    #[test]
    fn skipping_while_parsing_equals_removing_afterwards() {
        let set: PathSet =
            [".status", ".a[*].x", ".a[*].*.y", ".b.c", ".b[*].d", ".e[*]"].into_iter().map(path).collect();
        let json = br#"{"status":{"x":1},"a":[{"x":1,"k":{"y":2,"z":3}},4],"b":{"c":1,"q":{"d":1,"e":2}},"e":[1,2]}"#;
        let skipped = Manifest::parse(json, &set).unwrap();
        let mut removed = Manifest::parse(json, &PathSet::default()).unwrap();
        set.remove_from(&mut removed);
        assert_eq!(skipped, removed);
        let wanted = br#"{"a":[{"k":{"z":3}},4],"b":{"q":{"e":2}},"e":[]}"#;
        assert_eq!(skipped, Manifest::parse(wanted, &PathSet::default()).unwrap());
    }
}
