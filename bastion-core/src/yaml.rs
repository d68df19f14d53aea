//! YAML at the edges: the views and the CLI write it, people's files are read.
//!
//! What is written, `PyYAML` and `sigs.k8s.io/yaml` (kubectl's) read back exactly: text that either would take
//! for something else (`yes`, `0123`, `1e3`, `12:30`, a date) is quoted, as value and as key. Text of several
//! lines stands in literal blocks where that is safe, so that scripts stay readable.
//!
//! ```
//! use bastion_core::yaml;
//!
//! let manifest = yaml::from_yaml("kind: ConfigMap\ndata: {enabled: \"yes\"}\n")?;
//! assert_eq!(yaml::to_yaml(&manifest)?, "data:\n  enabled: \"yes\"\nkind: ConfigMap\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use serde::{Serialize, Serializer, de::DeserializeSeed as _};
use serde_saphyr::LitStr;

use crate::manifest::{MAX_DEPTH, Manifest, ManifestError, Map, Seed, Value};

/// When the stack is grown and by how much: one level of YAML takes much of it in a debug build.
const STACK: (usize, usize) = (512 << 10, 8 << 20);

/// Why an object cannot be shown as YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be shown as YAML: {0}")]
pub struct YamlError(String);

/// The object as YAML, its keys in their order, as `kubectl get -o yaml` shows it.
pub fn to_yaml(manifest: &Manifest) -> Result<String, YamlError> {
    map_to_yaml(manifest.root())
}

/// A map as YAML.
pub(crate) fn map_to_yaml(map: &Map) -> Result<String, YamlError> {
    let failed = |error: serde_saphyr::SerializeError| YamlError(error.to_string());
    // Without this, text that begins with blank lines and a tab is written as a block that others misread.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let mut out = String::new();
    let mut yaml = serde_saphyr::Serializer::with_options(&mut out, options).map_err(failed)?;
    let mut stacked = serde_stacker::Serializer::new(&mut yaml);
    (stacked.red_zone, stacked.stack_size) = STACK;
    ViewMap(map).serialize(stacked).map_err(failed)?;
    Ok(out)
}

/// Reads one object from YAML (or JSON) as kubectl does: `0777` is 511, merge keys work; several documents,
/// duplicate keys, and numbers that JSON cannot hold (`.inf`) are errors.
pub fn from_yaml(text: &str) -> Result<Manifest, ManifestError> {
    let failed = |error: &serde_saphyr::Error| {
        // Where, and not what: the text may be a Secret's.
        let place = error.location().map(|at| format!("line {} column {}", at.line(), at.column()));
        ManifestError::Yaml(place.unwrap_or_else(|| "at its end".into()))
    };
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, flow_nesting_limit: MAX_DEPTH, max_nodes: 10_000_000 },
    };
    let value = serde_saphyr::with_deserializer_from_str_with_options(text, options, |yaml| {
        let mut yaml = serde_stacker::Deserializer::new(yaml);
        (yaml.red_zone, yaml.stack_size) = STACK;
        Seed::new(None, usize::MAX).deserialize(yaml)
    });
    match value.map_err(|error| failed(&error))? {
        Value::Object(root) => Ok(root.into()),
        _ => Err(ManifestError::NotAnObject),
    }
}

/// A value as it is written: text of several lines as a literal block where every reader agrees on it.
struct View<'a>(&'a Value);

struct ViewMap<'a>(&'a Map);

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => ViewMap(map).serialize(serializer),
            Value::Array(list) => serializer.collect_seq(list.iter().map(View)),
            Value::String(text) if fits_a_block(text) => LitStr(text).serialize(serializer),
            value => value.serialize(serializer),
        }
    }
}

impl Serialize for ViewMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, View(value))))
    }
}

/// Whether a literal block holds this text and every reader reads it back: several lines that do not begin
/// with white space, of printable characters, tabs and line feeds.
fn fits_a_block(text: &str) -> bool {
    let printable = |c: char| match c {
        '\n' | '\t' => true,
        // Line breaks in YAML 1.1, and the byte order mark.
        '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
        _ => !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'),
    };
    text.contains('\n') && !text.starts_with(char::is_whitespace) && text.chars().all(printable)
}

#[cfg(test)]
mod tests;
