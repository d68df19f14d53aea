//! Each published crate as a stranger builds it: by itself, with no feature and with each one.

use std::{collections::BTreeSet, time::Instant};

use crate::{
    Result, screen,
    workspace::{self, Package},
};

/// Checks every crate and feature that the workspace has.
pub(super) fn check() -> Result<()> {
    for package in workspace::packages()?.into_iter().filter(|p| p.published) {
        for features in sets(&package) {
            let started = Instant::now();
            let list = features.join(",");
            let args = ["check", "--locked", "--quiet", "--no-default-features", "--package", &package.name];
            workspace::cargo(&[&args[..], &["--features", &list]].concat(), &[])?;
            let with = if list.is_empty() { "no features" } else { &list };
            screen::line(&format!("    {} with {with}: {}", package.name, screen::seconds(started.elapsed())));
        }
    }
    Ok(())
}

/// The sets of features to build with: none, and each one. Two that come to the same are built once.
fn sets(package: &Package) -> BTreeSet<Vec<String>> {
    let set = |name: &str, itself: &[String]| package.alone.get(name).map_or(itself.to_vec(), Clone::clone);
    let each = package.features.iter().filter(|feature| *feature != "default");
    let each = each.map(|feature| set(feature, std::slice::from_ref(feature)));
    std::iter::once(set("none", &[])).chain(each).collect()
}
