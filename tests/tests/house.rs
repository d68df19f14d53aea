//! Rules of the house, checked: who may depend on whom, how big files are, what the docs promise.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_owned()
}

/// Names of the packages that `cargo tree` prints.
fn tree(args: &[&str]) -> BTreeSet<String> {
    let text = cargo_tree(&[args, &["--prefix", "none", "--format", "{p}"]].concat());
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn cargo_tree(args: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(["tree", "--locked"]).args(args).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "cargo tree {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn sources() -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found.sort();
    found
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).unwrap().lines().count()
}

#[test]
fn the_core_knows_no_cluster_no_http_and_no_command_line() {
    let tree = tree(&["--package", "bastion-core", "--edges", "normal,build", "--all-features"]);
    assert!(tree.contains("bastion-core"));
    let forbidden = |name: &str| {
        ["kube", "k8s-openapi", "hyper", "reqwest", "http", "clap", "axum", "tower", "rustls"].contains(&name)
            || ["kube-", "hyper-", "http-", "clap_", "aws-", "bastion-"].iter().any(|p| name.starts_with(p))
                && name != "bastion-core"
    };
    let found: Vec<_> = tree.iter().filter(|name| forbidden(name)).collect();
    assert!(found.is_empty(), "bastion-core depends on {found:?}");
}

#[test]
fn storage_and_kubernetes_never_meet() {
    let storage = tree(&["--package", "bastion-storage", "--edges", "normal,build", "--all-features"]);
    assert!(storage.contains("bastion-core"));
    assert!(!storage.contains("bastion-k8s") && !storage.contains("kube-client"), "{storage:?}");
    let k8s = tree(&["--package", "bastion-k8s", "--edges", "normal,build", "--all-features"]);
    assert!(k8s.contains("bastion-core"));
    assert!(!k8s.contains("bastion-storage") && !k8s.contains("aws-sdk-s3"), "{k8s:?}");
}

#[test]
fn the_sdk_brings_what_its_features_say() {
    let all = tree(&["--package", "bastion-sdk", "--edges", "normal,build", "--all-features"]);
    for crate_ in ["bastion-core", "bastion-storage", "bastion-k8s"] {
        assert!(all.contains(crate_), "bastion-sdk does not bring {crate_}");
    }
    assert!(!all.contains("clap"), "bastion-sdk knows the command line");
    let least = tree(&["--package", "bastion-sdk", "--edges", "normal,build", "--no-default-features"]);
    for heavy in ["bastion-k8s", "kube-client", "aws-sdk-s3", "axum"] {
        assert!(!least.contains(heavy), "bastion-sdk brings {heavy} without being asked");
    }
}

#[test]
fn one_tls_provider_and_plain_serde_json() {
    let all = tree(&["--workspace", "--edges", "normal,build", "--all-features"]);
    // Two TLS providers in one program make every client panic at its start.
    assert!(!all.contains("ring") && !all.contains("openssl-sys"), "a second TLS provider is in the tree");
    let features = cargo_tree(&["--workspace", "--edges", "features", "--invert", "serde_json", "--prefix", "none"]);
    for feature in ["arbitrary_precision", "preserve_order"] {
        assert!(!features.contains(&format!("\"{feature}\"")), "serde_json's {feature} is on");
    }
}

#[test]
fn files_stay_small() {
    let sources = sources();
    for path in sources.iter().filter(|p| p.ends_with("main.rs") && !p.components().any(|c| c.as_os_str() == "tests")) {
        assert!(lines(path) <= 25, "{} has {} lines; a main.rs has at most 25", path.display(), lines(path));
    }
    let mut sizes: Vec<(usize, &PathBuf)> = sources.iter().map(|p| (lines(p), p)).collect();
    sizes.sort();
    let (most, path) = sizes.last().unwrap();
    assert!(*most <= 700, "{} has {most} lines; a file has at most 700", path.display());
    let median = sizes[sizes.len() / 2].0;
    assert!(median <= 250, "half of all files have more than {median} lines");
}

#[test]
fn every_test_that_the_reliability_page_names_exists() {
    let page = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let code: String = sources().iter().map(|p| fs::read_to_string(p).unwrap()).collect::<Vec<_>>().join("\n");
    let mut rows = 0;
    for row in page.lines().filter(|l| l.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        if cells[0].parse::<u32>().is_err() {
            continue;
        }
        rows += 1;
        let last = cells.last().unwrap();
        let named: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        let honest = !named.is_empty() || last.contains("not yet") || last.contains("by construction");
        assert!(honest, "row {} names no test and does not say \"not yet\": {last}", cells[0]);
        for name in named {
            let function = name.rsplit("::").next().unwrap();
            let is_test = code.match_indices(&format!("fn {function}(")).any(|(at, _)| {
                let above = code[..at].rsplit_once("}\n").map_or(&code[..at], |(_, above)| above);
                above.contains("test]") || above.contains("test(")
            });
            // Or a chapter of one, which the test calls.
            let is_chapter = code.matches(&format!("::{function}(")).count() > 0;
            assert!(is_test || is_chapter, "row {}: there is no test `{name}`", cells[0]);
        }
    }
    assert_eq!(rows, 40, "docs/reliability.md lists the 40 faults");
}

#[test]
fn every_link_of_the_pages_leads_somewhere() {
    let mut pages: Vec<PathBuf> = fs::read_dir(root()).unwrap().flatten().map(|e| e.path()).collect();
    let crates: Vec<PathBuf> =
        pages.iter().filter(|p| p.join("Cargo.toml").is_file()).map(|p| p.join("README.md")).collect();
    pages.extend(crates);
    pages.extend(fs::read_dir(root().join("docs")).unwrap().flatten().map(|e| e.path()));
    pages.retain(|p| p.extension().is_some_and(|e| e == "md") && p.is_file());
    assert!(pages.len() > 8, "{pages:?}");
    let slug = |heading: &str| -> String {
        let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
        heading.trim_start_matches('#').trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
    };
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") || link.contains(char::is_whitespace) {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            // Links of the crates' own documentation are rustdoc's to check.
            if path.contains("::")
                || (!path.contains('.') && !path.contains('/') && !target.exists() && !path.is_empty())
            {
                continue;
            }
            assert!(target.exists(), "{}: {link} leads nowhere", page.display());
            if !anchor.is_empty() {
                let headings = fs::read_to_string(&target).unwrap();
                let found = headings.lines().any(|line| line.starts_with('#') && slug(line) == anchor);
                assert!(found, "{}: {link}: there is no such heading", page.display());
            }
        }
    }
}
