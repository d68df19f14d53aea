//! What each crate brings along, and whether it needs it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use xtask::workspace::{Package, cargo_output, metadata, packages};

use crate::files::{read, root, sources};

mod named;

use named::{named, named_in_page};

/// Dependencies that a crate's code does not name, and why they are there.
const UNNAMED: [(&str, &str, &str); 4] = [
    ("bastion-core", "bastion-core", "its features, for its own tests and examples"),
    ("bastion-cli", "bastion-core", "its feature `diff`; the code names it through bastion-sdk"),
    ("bastion-k8s", "k8s-openapi", "kube needs to be told one Kubernetes version, by its feature"),
    ("bastion-tests", "k8s-openapi", "as in bastion-k8s"),
];

/// Which published crates bring a dependency, by its name.
type Brought = BTreeMap<String, BTreeSet<String>>;

fn brought() -> Brought {
    let mut brought = Brought::new();
    for package in packages().unwrap().into_iter().filter(|p| p.published) {
        let tree = ["tree", "--locked", "--prefix", "none", "--format", "{p}", "--edges", "normal", "--package"];
        let text =
            cargo_output(&[&tree[..], &[&package.name, "--target", "x86_64-unknown-linux-gnu"]].concat()).unwrap();
        let names = text.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty());
        for name in names.filter(|name| *name != package.name) {
            brought.entry(name.to_owned()).or_default().insert(package.name.clone());
        }
    }
    brought
}

fn parse(page: &str) -> Brought {
    let lines = page.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
    lines.map(|(name, by)| (name.to_owned(), by.split(' ').map(str::to_owned).collect())).collect()
}

fn print(brought: &Brought) -> String {
    let mut totals = BTreeMap::<&str, usize>::new();
    for krate in brought.values().flatten() {
        *totals.entry(krate).or_default() += 1;
    }
    let mut page =
        "# The crates that each published crate brings along with its default features, on Linux: the budget.\n\
        # Whoever needs one more says so with `BASTION_BLESS=1 cargo test -p xtask --test house`.\n"
            .to_owned();
    for (krate, total) in totals {
        writeln!(page, "# {krate}: {total}").unwrap();
    }
    for (name, by) in brought {
        writeln!(page, "{name}: {}", by.iter().map(String::as_str).collect::<Vec<_>>().join(" ")).unwrap();
    }
    page
}

#[test]
fn no_crate_brings_more_than_its_budget() {
    let file = root().join("xtask/tests/house/dependencies.txt");
    let now = brought();
    if std::env::var_os("BASTION_BLESS").is_some() {
        fs::write(&file, print(&now)).unwrap();
    }
    let budget = parse(&read(&file));
    let mut new = BTreeMap::<&String, Vec<&String>>::new();
    for (name, by) in &now {
        for krate in by.iter().filter(|krate| !budget.get(name).is_some_and(|by| by.contains(*krate))) {
            new.entry(krate).or_default().push(name);
        }
    }
    assert!(new.is_empty(), "beyond {}: {new:#?}", file.display());
}

#[test]
fn every_dependency_is_used() {
    let manifest = read(&root().join("Cargo.toml"));
    let packages = packages().unwrap();
    let mut unused = Vec::new();
    for package in &packages {
        let (own, all) = names(package);
        for (name, for_tests) in &package.dependencies {
            let names = if *for_tests { &all } else { &own };
            if !names.contains(&name.replace('-', "_"))
                && !UNNAMED.iter().any(|(by, unnamed, _)| *by == package.name && unnamed == name)
            {
                unused.push(format!("{} does not use {name}", package.name));
            }
        }
    }
    let (_, table) = manifest.split_once("[workspace.dependencies]\n").unwrap();
    let table = table.split("\n[").next().unwrap();
    for name in table.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = ")?.0.into())
    {
        if !packages.iter().any(|p| p.dependencies.iter().any(|(used, _)| used == name) || manifest_names(p, name)) {
            unused.push(format!("no crate uses {name} of the workspace's table"));
        }
    }
    assert!(unused.is_empty(), "{unused:#?}");
}

/// Renamed dependencies have another name in code.
fn manifest_names(package: &Package, name: &str) -> bool {
    read(&package.folder.join("Cargo.toml")).contains(&format!("\"{name}\""))
}

/// What a package's own code names, and with it what its tests and the pages that are tests name.
fn names(package: &Package) -> (BTreeSet<String>, BTreeSet<String>) {
    let inner: Vec<_> = packages()
        .unwrap()
        .into_iter()
        .map(|p| p.folder)
        .filter(|f| *f != package.folder && f.starts_with(&package.folder))
        .collect();
    let files =
        sources(&package.folder).into_iter().filter(|file| !inner.iter().any(|folder| file.starts_with(folder)));
    let (own, tests): (Vec<_>, Vec<_>) = files.partition(|file| file.starts_with(package.folder.join("src")));
    let pages = [root().join("README.md"), package.folder.join("README.md")];
    let tested = own.iter().any(|file| read(file).contains("README.md"));
    let pages = pages.iter().filter(|page| page.is_file() && tested).flat_map(|page| named_in_page(&read(page)));
    let own: BTreeSet<_> = own.iter().flat_map(|file| named(&read(file))).collect();
    let tests = tests.iter().flat_map(|file| named(&read(file)));
    let all = own.iter().cloned().chain(tests).chain(pages).collect();
    (own, all)
}

#[test]
fn no_dependency_wants_a_newer_rust() {
    // `1` is 1.0, and a patch release changes nothing.
    let release = |version: &str| {
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap());
        (parts.next().unwrap(), parts.next().unwrap_or(0))
    };
    let ours = packages().unwrap().into_iter().find_map(|p| p.rust_version).unwrap();
    let metadata = metadata(&[]).unwrap();
    let all = metadata["packages"].as_array().unwrap().iter();
    let newer = all.filter(|p| p["rust_version"].as_str().is_some_and(|theirs| release(theirs) > release(&ours)));
    let newer: Vec<_> = newer.map(|p| format!("{} wants Rust {}", p["name"], p["rust_version"])).collect();
    assert!(newer.is_empty(), "Cargo.toml promises Rust {ours}: {newer:?}");
}
