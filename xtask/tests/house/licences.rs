//! What deny.toml says of licences, sources and banned crates. `cargo deny check` reads the same page.

use std::collections::BTreeSet;

use toml::Table;
use xtask::workspace::cargo_output;

use crate::files::{read, root};

/// What a build for a target may have in it, with every feature, tests included: package, licence, features.
fn built(target: &str) -> BTreeSet<(String, String, String)> {
    let tree = ["tree", "--locked", "--workspace", "--all-features", "--edges", "normal,build,dev", "--prefix", "none"];
    let format = ["--target", target, "--no-dedupe", "--format", "{p}|{l}|{f}"];
    let text = cargo_output(&[&tree[..], &format].concat()).unwrap();
    let parts =
        text.lines().filter_map(|line| Some((line.split_once('|')?.0, line.split_once('|')?.1.split_once('|')?)));
    parts.map(|(package, (licence, features))| (package.to_owned(), licence.to_owned(), features.to_owned())).collect()
}

fn strings(value: &toml::Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|s| s.as_str().unwrap().to_owned()).collect()
}

#[test]
fn licences_sources_and_banned_crates_are_as_deny_toml_says() {
    let rules: Table = read(&root().join("deny.toml")).parse().unwrap();
    let allowed = strings(&rules["licenses"]["allow"]);
    let banned = rules["bans"]["deny"].as_array().unwrap();
    let banned: Vec<&str> = banned.iter().map(|rule| rule["crate"].as_str().unwrap()).collect();
    let banned_features = rules["bans"]["features"].as_array().unwrap();
    assert!(["unknown-registry", "unknown-git"].iter().all(|key| rules["sources"][*key].as_str() == Some("deny")));

    let targets = strings(&rules["graph"]["targets"]);
    assert_eq!(rules["graph"]["all-features"].as_bool(), Some(true));
    let built: BTreeSet<_> = targets.iter().flat_map(|target| built(target)).collect();
    assert!(built.len() > 100 && !banned.is_empty() && !banned_features.is_empty(), "{}", built.len());
    let mut wrong = Vec::new();
    for (package, licence, features) in built {
        let name = package.split(' ').next().unwrap();
        let expression = spdx::Expression::parse_mode(&licence, spdx::ParseMode::LAX);
        if !expression.is_ok_and(|e| e.evaluate(|licence| allowed.contains(&licence.to_string()))) {
            wrong.push(format!("{package}: {licence:?} is not among the licences that are allowed"));
        }
        if banned.contains(&name) {
            wrong.push(format!("{package} is banned"));
        }
        for rule in banned_features.iter().filter(|rule| rule["crate"].as_str() == Some(name)) {
            let deny = strings(&rule["deny"]);
            if let Some(on) = features.split(',').find(|feature| deny.contains(*feature)) {
                wrong.push(format!("{package}: its feature {on} is banned"));
            }
        }
        // What is not from crates.io says where it is from, in parentheses.
        let elsewhere = package.split_once(" (").filter(|(_, from)| !from.starts_with("proc-macro"));
        if elsewhere.is_some_and(|(_, from)| !from.starts_with(root().to_str().unwrap())) {
            wrong.push(format!("{package} is not from crates.io"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
