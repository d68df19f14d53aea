//! What would be published.

use crate::{Result, workspace};

/// Packs every crate that is published. That each builds by itself is another step's to show.
pub(super) fn check() -> Result<()> {
    let packages: Vec<_> = workspace::packages()?.into_iter().filter(|p| p.published).map(|p| p.name).collect();
    let mut args = vec!["package", "--locked", "--no-verify", "--allow-dirty"];
    args.extend(packages.iter().flat_map(|name| ["--package", name]));
    workspace::cargo(&args, &[])
}
