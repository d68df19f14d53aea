//! Imports run one way: no circle among the files of a crate, and the modules of a folder lie in layers.

use std::collections::BTreeSet;

use xtask::workspace::packages;

use crate::files::root;

mod graph;
mod source;

use graph::{Crate, circles};
pub(crate) use source::{is_of_tests, is_test, leaves_of};

/// Folders that are not looked into yet, and why.
const APART: [(&str, &str); 1] =
    [("bastion-core/src/repository", "its layers are drawn anew together with retention and encryption")];

#[test]
fn imports_run_one_way() {
    let mut report = BTreeSet::new();
    for package in packages().unwrap() {
        let circles = package.roots.iter().flat_map(|root| of_crate(&Crate::read(root)));
        report.extend(circles.map(|circle| format!("{}: {circle}", package.name)));
    }
    assert!(report.is_empty(), "imports go in circles:\n{}", report.into_iter().collect::<Vec<_>>().join("\n"));
}

/// Every circle of a crate, in words.
fn of_crate(krate: &Crate) -> Vec<String> {
    let apart = |file: &str| {
        APART.iter().any(|(folder, _)| file.contains(&format!("{folder}/")) || file.ends_with(&format!("{folder}.rs")))
    };
    let mut found = Vec::new();
    for (knot, way) in circles(&krate.files()) {
        if !knot.iter().all(|file| apart(file)) {
            found.push(format!("files: {way}"));
        }
    }
    for (module, content) in &krate.modules {
        if content.children.len() > 1 && !apart(&content.file.display().to_string()) {
            let place = if module.is_empty() { "the crate".to_owned() } else { module.join("::") };
            found.extend(
                circles(&krate.siblings(module)).into_iter().map(|(_, way)| format!("modules of {place}: {way}")),
            );
        }
    }
    found.into_iter().map(|text| text.replace(&format!("{}/", root().display()), "")).collect()
}

/// The circles of a crate with these files.
fn of_files(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    of_crate(&Crate::read(&folder.path().join("lib.rs")))
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let b = ("b.rs", "use crate::A; pub struct B(A);");
    let ways = [
        "use crate::b::B; pub struct A(B);",
        "use super::b; pub struct A(b::B);",
        "pub struct A(crate::b::B);",
        "use crate::b::*; pub struct A(B);",
        "pub struct A; fn f() { println!(\"{:?}\", crate::b::B) }",
    ];
    for way in ways {
        // The façade passes A on: who imports it from there imports it from a.
        let found = of_files(&[("lib.rs", "mod a; mod b; pub use a::A;"), ("a.rs", way), b]);
        assert_eq!(found.len(), 2, "one of files and one of modules: {way}: {found:?}");
    }
    let upwards = [("lib.rs", "mod a; use a::A; pub struct Top(A);"), ("a.rs", "use super::Top; pub struct A(Top);")];
    assert_eq!(of_files(&upwards).len(), 1, "a child imports from the parent that imports it");
    let around = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "mod c;"),
        ("a/c.rs", "use crate::b::B; pub struct C(B);"),
        ("b.rs", "mod d; pub struct B;"),
        ("b/d.rs", "use crate::a::c::C;"),
    ];
    assert_eq!(of_files(&around).len(), 1, "no circle of files, but one of modules");
}

#[test]
fn layers_and_tests_are_no_circle() {
    let files = [
        ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
        ("a.rs", "use crate::B; pub struct A(B);"),
        ("b.rs", "pub struct B; #[cfg(test)] mod tests { use crate::A; fn f(_: A) {} }"),
    ];
    assert!(of_files(&files).is_empty(), "{:?}", of_files(&files));
}
