//! What a crate's files define, rename and name, read from their syntax. Test code is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{
    Attribute, Item, ItemUse, Macro, UseTree, Visibility,
    visit::{self, Visit},
};

/// A path as it is written, by its names.
pub(crate) type Names = Vec<String>;

/// A module that is not inline: what its file holds. Inline modules belong to the file around them.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) file: PathBuf,
    /// Modules below it, by name: each is a file of its own.
    pub(super) children: BTreeSet<String>,
    /// Items that it defines.
    pub(super) items: BTreeSet<String>,
    /// Names that a `use` brings in, and what they stand for.
    pub(super) aliases: BTreeMap<String, Names>,
    /// Modules whose every name a `use` brings in.
    pub(super) globs: Vec<Names>,
    /// Every path in its code: of a `use`, a type, an expression, or in a macro.
    pub(super) named: BTreeSet<Names>,
}

/// The modules below a crate's root file, by their path.
pub(super) fn modules(root: &Path) -> BTreeMap<Names, Module> {
    let mut modules = BTreeMap::new();
    read(root, root.parent().unwrap(), Vec::new(), &mut modules);
    modules
}

fn read(file: &Path, folder: &Path, path: Names, modules: &mut BTreeMap<Names, Module>) {
    let text = fs::read_to_string(file).unwrap();
    let syntax = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let mut reader = Reader::default();
    reader.visit_file(&syntax);
    for child in &reader.children {
        let below = folder.join(child);
        let candidates = [folder.join(format!("{child}.rs")), below.join("mod.rs")];
        let file = candidates
            .iter()
            .find(|f| f.is_file())
            .unwrap_or_else(|| panic!("no file of {child} in {}", folder.display()));
        read(file, &below, [&path[..], std::slice::from_ref(child)].concat(), modules);
    }
    let Reader { children, items, aliases, globs, named } = reader;
    modules.insert(path, Module { file: file.to_owned(), children, items, aliases, globs, named });
}

#[derive(Default)]
struct Reader {
    children: BTreeSet<String>,
    items: BTreeSet<String>,
    aliases: BTreeMap<String, Names>,
    globs: Vec<Names>,
    named: BTreeSet<Names>,
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if attributes(item).iter().any(is_of_tests) {
            return;
        }
        match item {
            Item::Mod(module) if module.content.is_none() => drop(self.children.insert(module.ident.to_string())),
            Item::Use(item) => self.take_use(item),
            _ => {
                self.items.extend(name(item));
                visit::visit_item(self, item);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.named.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, code: &'ast Macro) {
        self.visit_path(&code.path);
        self.take_tokens(code.tokens.clone());
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = if let syn::ImplItem::Fn(function) = item { &function.attrs[..] } else { &[] };
        if !attributes.iter().any(is_of_tests) {
            visit::visit_impl_item(self, item);
        }
    }
}

impl Reader {
    fn take_use(&mut self, item: &ItemUse) {
        let mut leaves = Vec::new();
        leaves_of(&item.tree, &mut Vec::new(), &mut leaves);
        for (path, alias) in leaves {
            match alias.as_deref() {
                Some("*") => self.globs.push(path.clone()),
                Some("_") | None => {}
                Some(alias) => drop(self.aliases.insert(alias.to_owned(), path.clone())),
            }
            // A façade that passes a name on does not use it.
            if matches!(item.vis, Visibility::Inherited) {
                self.named.insert(path);
            }
        }
    }

    /// The paths in what a macro is given, which has no syntax of its own.
    fn take_tokens(&mut self, tokens: TokenStream) {
        let mut path = Names::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) if colons == 2 => path.push(ident.to_string()),
                TokenTree::Ident(ident) => {
                    self.named.insert(std::mem::replace(&mut path, vec![ident.to_string()]));
                }
                TokenTree::Group(group) => {
                    self.named.insert(std::mem::take(&mut path));
                    self.take_tokens(group.stream());
                }
                _ => drop(self.named.insert(std::mem::take(&mut path))),
            }
            colons = 0;
        }
        self.named.insert(path);
    }
}

/// Each path of a `use` with the name that it gets here: `*` for all, `_` for none.
pub(crate) fn leaves_of(tree: &UseTree, prefix: &mut Names, leaves: &mut Vec<(Names, Option<String>)>) {
    let with = |last: String| [&prefix[..], &[last]].concat();
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            leaves_of(&path.tree, prefix, leaves);
            prefix.pop();
        }
        // `use a::{self}` names a.
        UseTree::Name(name) if name.ident == "self" => leaves.push((prefix.clone(), prefix.last().cloned())),
        UseTree::Name(name) => leaves.push((with(name.ident.to_string()), Some(name.ident.to_string()))),
        UseTree::Rename(rename) => leaves.push((with(rename.ident.to_string()), Some(rename.rename.to_string()))),
        UseTree::Glob(_) => leaves.push((prefix.clone(), Some("*".to_owned()))),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves_of(tree, prefix, leaves)),
    }
}

/// `#[cfg(test)]`, `#[cfg(all(test, …))]`, `#[test]`.
pub(crate) fn is_of_tests(attribute: &Attribute) -> bool {
    let text: String = attribute.meta.to_token_stream().to_string().split_whitespace().collect();
    ["cfg(test)", "cfg(all(test,", "cfg(doctest)"].iter().any(|start| text.starts_with(start)) || is_test(attribute)
}

/// `#[test]`, `#[tokio::test(…)]`.
pub(crate) fn is_test(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "test")
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(i) => &i.attrs,
        Item::Enum(i) => &i.attrs,
        Item::Fn(i) => &i.attrs,
        Item::Impl(i) => &i.attrs,
        Item::Macro(i) => &i.attrs,
        Item::Mod(i) => &i.attrs,
        Item::Static(i) => &i.attrs,
        Item::Struct(i) => &i.attrs,
        Item::Trait(i) => &i.attrs,
        Item::Type(i) => &i.attrs,
        Item::Use(i) => &i.attrs,
        _ => &[],
    }
}

fn name(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(i) => i.ident.to_string(),
        Item::Enum(i) => i.ident.to_string(),
        Item::Fn(i) => i.sig.ident.to_string(),
        Item::Macro(i) => i.ident.as_ref()?.to_string(),
        Item::Mod(i) => i.ident.to_string(),
        Item::Static(i) => i.ident.to_string(),
        Item::Struct(i) => i.ident.to_string(),
        Item::Trait(i) => i.ident.to_string(),
        Item::Type(i) => i.ident.to_string(),
        _ => return None,
    })
}
