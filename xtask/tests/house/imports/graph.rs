//! From the paths in a crate's code to who imports from whom.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::source::{Module, Names, modules};

/// A crate: its modules, and for each the modules from which it imports, with one path that says so.
#[derive(Debug)]
pub(super) struct Crate {
    pub(super) modules: BTreeMap<Names, Module>,
    pub(super) imports: BTreeMap<Names, BTreeMap<Names, String>>,
}

/// Nodes, and for each the nodes that it reaches with why.
pub(super) type Graph = BTreeMap<String, BTreeMap<String, String>>;

impl Crate {
    pub(super) fn read(root: &Path) -> Self {
        let modules = modules(root);
        let mut imports: BTreeMap<Names, BTreeMap<Names, String>> = BTreeMap::new();
        for (module, content) in &modules {
            let found = imports.entry(module.clone()).or_default();
            for path in &content.named {
                if let Some(home) = definition(&modules, module, path, 0).filter(|home| home != module) {
                    found.entry(home).or_insert_with(|| path.join("::"));
                }
            }
            for path in &content.globs {
                if let Some(home) = walk(&modules, module, path, 0).map(|(home, _)| home).filter(|home| home != module)
                {
                    found.entry(home).or_insert_with(|| format!("{}::*", path.join("::")));
                }
            }
        }
        Self { modules, imports }
    }

    /// Who imports from whom among files. A file passes names on to others without importing them, but it does use
    /// what it passes on of its own children.
    pub(super) fn files(&self) -> Graph {
        let label = |module: &Names| self.modules[module].file.display().to_string();
        let edges = self
            .imports
            .iter()
            .map(|(module, to)| (label(module), to.iter().map(|(home, why)| (label(home), why.clone())).collect()));
        edges.collect()
    }

    /// Who imports from whom among the modules right below one, each with all that is below it.
    pub(super) fn siblings(&self, parent: &[String]) -> Graph {
        let below = |module: &Names| {
            (module.len() > parent.len() && module.starts_with(parent)).then(|| module[..=parent.len()].join("::"))
        };
        let mut graph = Graph::new();
        for (module, to) in &self.imports {
            let Some(from) = below(module) else { continue };
            let edges = graph.entry(from.clone()).or_default();
            for (home, why) in to {
                if let Some(to) = below(home).filter(|to| *to != from) {
                    edges.entry(to).or_insert_with(|| format!("{} names {why}", self.modules[module].file.display()));
                }
            }
        }
        graph
    }
}

/// The module whose file defines what a path names; `None` where that is another crate's, or a module as such.
fn definition(modules: &BTreeMap<Names, Module>, at: &Names, path: &[String], depth: usize) -> Option<Names> {
    walk(modules, at, path, depth).filter(|(_, is_item)| *is_item).map(|(home, _)| home)
}

/// Follows a path from a module: where it ends, and whether at an item in there rather than at the module.
fn walk(modules: &BTreeMap<Names, Module>, at: &Names, path: &[String], depth: usize) -> Option<(Names, bool)> {
    let (first, mut rest) = path.split_first()?;
    let mut here = at.clone();
    match first.as_str() {
        "crate" => here.clear(),
        "self" => {}
        "super" => drop(here.pop()),
        _ => rest = path,
    }
    let anchored = rest.len() < path.len();
    for (n, name) in rest.iter().enumerate() {
        let module = &modules[&here];
        if name == "super" {
            here.pop();
        } else if module.children.contains(name) {
            here.push(name.clone());
        } else if module.items.contains(name) {
            return Some((here, true));
        } else if let Some(target) = module.aliases.get(name).filter(|target| depth < 16 && target[..] != path[..]) {
            // The alias stands for another path, from here on.
            let target = [&target[..], &rest[n + 1..]].concat();
            return walk(modules, &here, &target, depth + 1);
        } else {
            let from_globs = module.globs.iter().filter(|_| depth < 16).filter_map(|glob| {
                let (home, _) = walk(modules, &here, glob, depth + 1)?;
                (home != here).then(|| walk(modules, &home, &rest[n..], depth + 1)).flatten()
            });
            return from_globs.into_iter().next().or_else(|| (n > 0 || anchored).then_some((here.clone(), true)));
        }
    }
    Some((here, false))
}

/// The circles of a graph: of each knot one shortest way around, in words.
pub(super) fn circles(graph: &Graph) -> Vec<(BTreeSet<String>, String)> {
    let reach: BTreeMap<&String, BTreeSet<&String>> = graph.keys().map(|node| (node, reachable(graph, node))).collect();
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for node in graph.keys() {
        if reach[node].contains(node) && !seen.contains(node) {
            let knot: BTreeSet<String> = reach[node]
                .iter()
                .filter(|other| reach.get(**other).is_some_and(|r| r.contains(node)))
                .map(|n| (*n).clone())
                .collect();
            circles.push((knot.clone(), around(graph, node)));
            seen.extend(knot);
        }
    }
    circles
}

fn reachable<'a>(graph: &'a Graph, from: &str) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&String> = graph.get(from).into_iter().flat_map(BTreeMap::keys).collect();
    while let Some(node) = next.pop() {
        if found.insert(node) {
            next.extend(graph.get(node).into_iter().flat_map(BTreeMap::keys));
        }
    }
    found
}

/// The shortest way from a node back to it: `a → b (why) → a (why)`.
fn around(graph: &Graph, node: &String) -> String {
    let mut ways = vec![(node, node.clone())];
    let mut seen = BTreeSet::new();
    loop {
        let mut longer = Vec::new();
        for (at, way) in ways {
            for (to, why) in graph.get(at).into_iter().flatten() {
                let way = format!("{way}\n      → {to} ({why})");
                if to == node {
                    return way;
                }
                if seen.insert(to) {
                    longer.push((to, way));
                }
            }
        }
        ways = longer;
    }
}
