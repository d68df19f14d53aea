//! What would be published.

use bastion_test_tools::need::strict;

use crate::{Result, workspace};

/// Packs every crate that is published, and builds bastion-core from its package alone. The others are not built from
/// theirs, which would take minutes: the house rules see to it that no package includes a file from outside, and
/// `alone` builds each crate by itself.
pub(super) fn check() -> Result<()> {
    let packages: Vec<_> = workspace::packages()?.into_iter().filter(|p| p.published).map(|p| p.name).collect();
    // All at once, since they depend on each other.
    let all: Vec<_> = packages.iter().flat_map(|name| ["--package", name]).collect();
    package(&[&["--no-verify"], all.as_slice()].concat())?;
    package(&["--package", "bastion-core"])
}

/// In CI what is packed is what is committed; elsewhere somebody may be at work.
fn package(args: &[&str]) -> Result<()> {
    let dirty: &[&str] = if strict() { &[] } else { &["--allow-dirty"] };
    workspace::cargo(&[&["package", "--locked"], dirty, args].concat(), &[])
}
