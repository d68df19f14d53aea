use std::{borrow::Cow, fmt};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::hash::Digest;

/// Everything but `A-Z a-z 0-9 - _ . =` is percent-encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'=');

/// Longer names are cut and end in a hash, so that every file system accepts them.
const MAX_SEGMENT: usize = 200;

/// The name of a file in a store: segments joined by `/`.
///
/// By construction a key has no empty segment, no `.` or `..`, no leading or trailing `/`, and nothing but
/// letters, digits and `-_.=%~` in its segments: a key can never lead out of the root of a store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Key(String);

impl Key {
    /// Makes a key of segments, percent-encoding what needs it. A name that encodes to more than 200 bytes
    /// is cut and ends in `~` and a hash of the whole.
    pub fn from_segments<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> Self {
        let joined = segments.into_iter().map(|s| encode(s.as_ref()).into_owned()).collect::<Vec<_>>().join("/");
        Self(joined)
    }

    /// Parses a key as a store lists it; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let good = |s: &str| {
            !s.is_empty()
                && s != "."
                && s != ".."
                && s.len() <= 255
                && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.=%~".contains(&b))
        };
        text.split('/').all(good).then(|| Self(text.to_owned()))
    }

    /// The text, `/` between segments.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the last `/`.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The key without the prefix; `None` if it does not start with it.
    pub fn strip(&self, prefix: &Prefix) -> Option<&str> {
        self.0.strip_prefix(prefix.as_str())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A folder: empty, or segments joined by `/` with a `/` at the end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Prefix(String);

impl Prefix {
    /// Everything.
    pub fn root() -> Self {
        Self::default()
    }

    /// The folder of these segments.
    pub fn from_segments<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> Self {
        let mut text = Key::from_segments(segments).0;
        if !text.is_empty() {
            text.push('/');
        }
        Self(text)
    }

    /// Parses a folder as it is written in keys; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let good = text.is_empty() || text.strip_suffix('/').is_some_and(|key| Key::parse(key).is_some());
        good.then(|| Self(text.to_owned()))
    }

    /// The text; empty or with a `/` at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key below this folder.
    #[must_use]
    pub fn key(&self, below: &Key) -> Key {
        Key(format!("{}{}", self.0, below.0))
    }

    /// The folder below this folder.
    #[must_use]
    pub fn join(&self, below: &Prefix) -> Prefix {
        Prefix(format!("{}{}", self.0, below.0))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn encode(segment: &str) -> Cow<'_, str> {
    let encoded: Cow<'_, str> = match segment {
        "" => "%".into(), // never produced by encoding, so it stands for nothing else
        "." => "%2E".into(),
        ".." => "%2E%2E".into(),
        s => percent_encode(s.as_bytes(), ENCODED).into(),
    };
    if encoded.len() <= MAX_SEGMENT {
        return encoded;
    }
    let hash = Digest::of_file(segment.as_bytes()).to_string();
    let mut cut = MAX_SEGMENT - 33;
    // Not through the middle of a %XX.
    while encoded[..cut].rfind('%').is_some_and(|at| at + 3 > cut) {
        cut -= 1;
    }
    format!("{}~{}", &encoded[..cut], &hash[..32]).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn awkward_names_become_plain_segments() {
        let key = Key::from_segments(["tree", "system:node", "..", "Ünï", "a/b", ""]);
        assert_eq!(key.as_str(), "tree/system%3Anode/%2E%2E/%C3%9Cn%C3%AF/a%2Fb/%");
    }

    proptest! {
        #[test]
        fn any_name_gives_a_valid_short_key(names in prop::collection::vec(any::<String>(), 1..4), long in 0usize..400) {
            let mut names = names;
            names.push("ä:".repeat(long));
            let key = Key::from_segments(&names);
            prop_assert_eq!(Key::parse(key.as_str()), Some(key.clone()));
            prop_assert!(key.as_str().split('/').all(|s| s.len() <= MAX_SEGMENT));
        }

        #[test]
        fn different_names_get_different_keys(a in ".{0,300}", b in ".{0,300}") {
            prop_assert_eq!(a == b, Key::from_segments([&a]) == Key::from_segments([&b]));
        }
    }
}
