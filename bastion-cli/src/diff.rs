//! Differences between two revisions, for people and for programs.

use anstyle::{AnsiColor, Style};
use bastion_sdk::core::{
    canonical,
    manifest::{Manifest, Value},
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::{CliError, Result};

/// The unified form of two manifests' YAML, coloured; nothing where both are the same. `None` is an object
/// that does not exist.
pub(crate) fn unified(old: Option<&Manifest>, new: Option<&Manifest>, names: (&str, &str)) -> Result<String> {
    let text = bastion_sdk::core::diff::unified(old, new, names)
        .map_err(|e| CliError::Render { what: names.1.to_owned(), source: Box::new(e) })?;
    Ok(text.lines().map(coloured).collect())
}

fn coloured(line: &str) -> String {
    let colour = match line.as_bytes().first() {
        Some(b'-') => AnsiColor::Red,
        Some(b'+') => AnsiColor::Green,
        Some(b'@') => AnsiColor::Cyan,
        _ => return format!("{line}\n"),
    };
    let style = Style::new().fg_color(Some(colour.into()));
    format!("{style}{line}{style:#}\n")
}

/// A value that differs.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    /// JSON pointer (RFC 6901).
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<Box<RawValue>>,
}

/// Every value that differs.
pub(crate) fn changes(old: Option<&Manifest>, new: Option<&Manifest>) -> Result<Vec<Change>> {
    let nothing = Manifest::default();
    bastion_sdk::core::diff::structured(old.unwrap_or(&nothing), new.unwrap_or(&nothing))
        .into_iter()
        .map(|d| Ok(Change { path: d.path, old: raw(d.old.as_ref())?, new: raw(d.new.as_ref())? }))
        .collect()
}

/// The exact text of a value: numbers stay as they are.
fn raw(value: Option<&Value>) -> Result<Option<Box<RawValue>>> {
    let Some(value) = value else { return Ok(None) };
    let text = String::from_utf8_lossy(&canonical::value_to_bytes(value)).into_owned();
    let raw = RawValue::from_string(text)
        .map_err(|e| CliError::Render { what: "a difference as JSON".to_owned(), source: Box::new(e) })?;
    Ok(Some(raw))
}

#[cfg(test)]
mod tests {
    use bastion_sdk::core::manifest::PathSet;

    use super::*;

    fn manifest(json: &str) -> Manifest {
        Manifest::parse(json.as_bytes(), &PathSet::default()).unwrap_or_default()
    }

    #[test]
    fn a_difference_reads_like_gits() -> Result<()> {
        let old = manifest(r#"{"data":{"a":"1","b":"2"},"n":18446744073709551615}"#);
        let new = manifest(r#"{"data":{"a":"1","b":"3"},"n":18446744073709551614}"#);
        let text = unified(Some(&old), Some(&new), ("revision 3", "live"))?;
        assert!(text.contains('\u{1b}'), "coloured");
        insta::assert_snapshot!(anstream::adapter::strip_str(&text));
        insta::assert_snapshot!(serde_json::to_string(&changes(Some(&old), Some(&new))?).unwrap_or_default());
        assert_eq!(unified(Some(&old), Some(&old), ("x", "y"))?, "");
        Ok(())
    }
}
