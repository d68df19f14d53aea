//! `docs/format.md` says what the code does.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    canonical,
    hash::{Hasher, Sha256},
};

const PAGE: &str = include_str!("../../../../../docs/format.md");
const PROTO: &str = include_str!("../proto.rs");

/// The fenced block of that language.
fn block(language: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("\n```{language}\n")).expect(language);
    rest.split_once("\n```").expect("the block ends").0
}

/// Message name to its fields, `tag name`, one a line.
type Schema = BTreeMap<String, String>;

fn of_page() -> Schema {
    let mut out = Schema::new();
    let mut message = String::new();
    for line in block("proto").lines().map(|l| l.split("//").next().unwrap_or("").trim()) {
        if let Some(name) = line.strip_prefix("message ") {
            message = name.trim_end_matches(['{', ' ']).to_owned();
            out.entry(message.clone()).or_default();
        } else if let Some((left, tag)) = line.trim_end_matches(';').split_once(" = ")
            && tag.parse::<u32>().is_ok()
        {
            let words: Vec<_> = left.split_whitespace().collect();
            let (name, kind) = words.split_last().unwrap();
            writeln!(out.get_mut(&message).unwrap(), "{tag} {} {name}", kind.join(" ")).unwrap();
        }
    }
    out
}

/// The same of the derives: `#[prost(string, repeated, tag = "1")]` over `pub(super) features: Vec<String>`.
fn of_code() -> Schema {
    let mut out = Schema::new();
    let (mut message, mut attribute) = (String::new(), None);
    for line in PROTO.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("pub(super) struct ").or(line.strip_prefix("pub(super) enum ")) {
            rest.split([' ', '{']).next().unwrap().clone_into(&mut message);
            // The cases of a oneof are fields of the message that has it.
            if message == "Fate" {
                "Record".clone_into(&mut message);
            }
            out.entry(message.clone()).or_default();
        } else if let Some(rest) = line.strip_prefix("#[prost(") {
            attribute = Some(rest.trim_end_matches(")]").to_owned());
        } else if let Some(attribute) = attribute.take() {
            let words: Vec<_> = attribute.split(", ").collect();
            if words[0].starts_with("oneof") {
                continue;
            }
            let field = line.trim_start_matches("pub(super) ");
            let name = field.split([':', '(']).next().unwrap().to_lowercase();
            let rust = field.split_once([':', '(']).unwrap().1.trim_matches([' ', ',', ')']);
            let inner = rust.trim_start_matches("Option<").trim_start_matches("Vec<").trim_end_matches('>');
            let kind = match words[0] {
                "message" => inner,
                w if w.starts_with("bytes") => "bytes",
                w => w,
            };
            let label =
                words.iter().find(|w| ["repeated", "optional"].contains(w)).map_or(String::new(), |l| format!("{l} "));
            let tag = words.last().unwrap().trim_start_matches("tag = ").trim_matches('"');
            writeln!(out.get_mut(&message).unwrap(), "{tag} {label}{kind} {name}").unwrap();
        }
    }
    out
}

#[test]
fn the_schema_of_the_page_is_that_of_the_code() {
    let (mut page, mut code) = (of_page(), of_code());
    // The cases of the oneof stand behind or before the other fields.
    for schema in [&mut page, &mut code] {
        for fields in schema.values_mut() {
            let mut lines: Vec<_> = fields.lines().map(str::to_owned).collect();
            lines.sort_by_key(|l| l.split(' ').next().and_then(|n| n.parse::<u32>().ok()));
            *fields = lines.join("\n");
        }
    }
    assert!(page.len() > 25, "{page:#?}");
    assert_eq!(page.keys().collect::<Vec<_>>(), code.keys().collect::<Vec<_>>());
    for (message, fields) in &page {
        assert_eq!(fields, &code[message], "message {message}");
    }
}

#[test]
fn the_vectors_of_the_page_hold() {
    let mut count = 0;
    for vector in block("vectors").split("\n\n") {
        let field = |name: &str| {
            let line = vector.lines().find(|l| l.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {vector}"));
            line[name.len()..].trim().replace('␡', "\u{7f}").replace('␤', "\u{2028}")
        };
        let bytes = canonical::to_bytes(&canonical::from_bytes(field("in").as_bytes()).unwrap());
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), field("out"));
        assert_eq!(Sha256.digest(&bytes).to_string(), field("sha256"), "{vector}");
        count += 1;
    }
    assert!(count >= 5);
}

#[test]
fn the_example_keys_of_the_page_are_the_real_ones() {
    let keys = super::super::keys::ClusterKeys::new("prod");
    for key in [keys.segment(1_234_567), keys.checkpoint(1)] {
        assert!(PAGE.contains(&format!("`{key}`")), "{key}");
    }
}
