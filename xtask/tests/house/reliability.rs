//! What docs/reliability.md says is shown is shown by a test, and nothing else is counted.

use std::path::{Path, PathBuf};

use quote::ToTokens as _;
use syn::visit::{self, Visit};

use crate::{
    files::{read, root, sources},
    imports::{is_of_tests, is_test},
};

/// The functions of all files: those that a test runner runs, with what they do, and the others.
#[derive(Default)]
struct Functions {
    file: PathBuf,
    tests: Vec<(PathBuf, String)>,
    bodies: Vec<String>,
    others: Vec<(PathBuf, String)>,
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let name = function.sig.ident.to_string();
        if !function.attrs.iter().any(is_test) {
            self.others.push((self.file.clone(), name));
        } else if !function.attrs.iter().any(|attribute| attribute.path().is_ident("ignore")) {
            self.tests.push((self.file.clone(), name));
            self.bodies.push(function.block.to_token_stream().to_string());
        }
    }

    /// `proptest!` holds tests that have no syntax of their own.
    fn visit_macro(&mut self, code: &'ast syn::Macro) {
        let text = code.tokens.to_string();
        let names = text.split("# [test] fn ").skip(1).filter_map(|rest| rest.split([' ', '(']).next());
        self.tests.extend(names.map(|name| (self.file.clone(), name.to_owned())));
        visit::visit_macro(self, code);
    }
}

impl Functions {
    fn read() -> Self {
        let mut functions = Self::default();
        for file in sources(&root()) {
            functions.file.clone_from(&file);
            functions.visit_file(&syn::parse_file(&read(&file)).unwrap());
        }
        functions
    }

    /// Whether a name, bare or with the modules it lies in, is that of a test, or of a chapter that a test calls.
    fn show(&self, name: &str) -> bool {
        let (modules, function) = name.rsplit_once("::").unwrap_or(("", name));
        let lies_in = |file: &Path| file.with_extension("").ends_with(modules.replace("::", "/"));
        let has = |all: &[(PathBuf, String)]| all.iter().any(|(file, name)| name == function && lies_in(file));
        let chapter = || {
            let module = modules.rsplit("::").next().unwrap_or_default();
            let call = format!("{module} :: {function} (");
            !module.is_empty() && has(&self.others) && self.bodies.iter().any(|body| body.contains(&call))
        };
        has(&self.tests) || chapter()
    }
}

/// The rows of the table below a heading: its cells.
fn rows<'a>(page: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading:?}"));
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    cells.filter(|cells| cells[0].parse::<u32>().is_ok()).collect()
}

#[test]
fn every_fault_that_is_counted_is_shown_by_a_test() {
    let page = read(&root().join("docs/reliability.md"));
    let functions = Functions::read();
    let faults = rows(&page, "Faults and the tests that show them");
    let mut shown = 0;
    for row in &faults {
        let (number, last) = (row[0], row[row.len() - 1]);
        let named: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty() || last == "not yet", "row {number} names no test, and does not say \"not yet\"");
        shown += usize::from(!named.is_empty());
        for name in named {
            assert!(functions.show(name), "row {number}: `{name}` is no test, and no chapter that a test calls");
        }
    }
    let excluded = rows(&page, "Faults that cannot occur");
    for row in &excluded {
        assert!(row.iter().all(|cell| !cell.contains('`')), "row {}: what cannot occur is shown by no test", row[0]);
    }
    let mut numbers: Vec<usize> = faults.iter().chain(&excluded).map(|row| row[0].parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>(), "each fault has a number of its own");
    let claim = format!("{shown} faults");
    assert!(
        read(&root().join("README.md")).contains(&claim),
        "README.md does not say {claim:?}, which is what is shown"
    );
}

#[test]
fn a_name_is_shown_only_by_a_test_that_runs() {
    let file = PathBuf::from("tests/stories/cli/damage.rs");
    let mut functions = Functions { file, ..Functions::default() };
    functions.visit_file(&syn::parse_quote! {
        #[tokio::test]
        async fn runs() { damage::a_chapter(&town).await; help() }
        #[test]
        #[ignore = "another test starts it"]
        fn child() {}
        async fn a_chapter(town: &Town) {}
        fn nobody_calls() {}
        proptest! { #[test] fn holds(n in 0..9) {} }
    });
    for name in ["runs", "damage::runs", "cli::damage::runs", "cli::damage::a_chapter", "holds"] {
        assert!(functions.show(name), "{name}");
    }
    for name in ["child", "help", "a_chapter", "other::runs", "other::a_chapter", "damage::nobody_calls", "gone"] {
        assert!(!functions.show(name), "{name}");
    }
}

#[test]
fn what_is_only_for_tests_is_known_as_such() {
    let of_tests = |attribute: syn::Attribute| is_of_tests(&attribute);
    assert!(of_tests(syn::parse_quote!(#[cfg(test)])));
    assert!(of_tests(syn::parse_quote!(#[cfg(all(test, feature = "fs"))])));
    assert!(of_tests(syn::parse_quote!(#[tokio::test(start_paused = true)])));
    assert!(!of_tests(syn::parse_quote!(#[cfg(any(test, feature = "conformance"))])));
    assert!(!of_tests(syn::parse_quote!(#[cfg(not(test))])));
}
