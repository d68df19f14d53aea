//! The crates that code may name: where its paths begin.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    ItemExternCrate, ItemUse, Macro, MetaList, Path,
    visit::{self, Visit},
};

use crate::imports::leaves_of;

/// The first names of all paths in a file: of its imports, types, expressions, attributes and macros. `http` is not
/// among them because of `axum::http`.
pub(super) fn named(text: &str) -> BTreeSet<String> {
    let mut found = Found::default();
    found.visit_file(&syn::parse_file(text).unwrap());
    found.0
}

/// Those of the Rust examples in a page.
pub(super) fn named_in_page(text: &str) -> BTreeSet<String> {
    let examples = text.split("```rust").skip(1).filter_map(|rest| rest.split("```").next()?.split_once('\n'));
    examples.flat_map(|(_, code)| named(code)).collect()
}

#[derive(Default)]
struct Found(BTreeSet<String>);

impl<'ast> Visit<'ast> for Found {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut leaves = Vec::new();
        leaves_of(&item.tree, &mut Vec::new(), &mut leaves);
        self.0.extend(leaves.into_iter().filter_map(|(path, _)| path.into_iter().next()));
    }

    fn visit_item_extern_crate(&mut self, item: &'ast ItemExternCrate) {
        self.0.insert(item.ident.to_string());
    }

    fn visit_path(&mut self, path: &'ast Path) {
        // A name alone is of something here.
        if path.segments.len() > 1 {
            self.0.insert(path.segments[0].ident.to_string());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, code: &'ast Macro) {
        self.visit_path(&code.path);
        self.take_tokens(code.tokens.clone());
    }

    fn visit_meta_list(&mut self, list: &'ast MetaList) {
        self.visit_path(&list.path);
        self.take_tokens(list.tokens.clone());
    }
}

impl Found {
    /// The paths in what a macro or an attribute is given, which has no syntax of its own.
    fn take_tokens(&mut self, tokens: TokenStream) {
        let mut first = None;
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    if colons == 2 {
                        self.0.extend(first.take());
                    }
                    continue;
                }
                // Not what follows `::`.
                TokenTree::Ident(ident) => first = (colons != 2).then(|| ident.to_string()),
                TokenTree::Group(group) => {
                    first = None;
                    self.take_tokens(group.stream());
                }
                _ => first = None,
            }
            colons = 0;
        }
    }
}

#[test]
fn a_path_is_named_by_its_beginning() {
    let code = "
        use axum::{http::StatusCode, routing};
        use tokio as _;
        #[derive(serde::Serialize)]
        struct A { body: bytes::Bytes, kind: Kind }
        fn f(url: A) { println!(\"{:?}\", futures::join!(url, std::mem::take(tracing::field::x))) }
    ";
    let expected = ["axum", "bytes", "futures", "serde", "std", "tokio", "tracing"];
    assert_eq!(named(code).into_iter().collect::<Vec<_>>(), expected);
    let page = "Text.\n```rust,no_run\nuse kube::Client;\n```\n```sh\nnot rust::at all\n```\n";
    assert_eq!(named_in_page(page).into_iter().collect::<Vec<_>>(), ["kube"]);
}
