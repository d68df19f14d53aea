//! How far the repository is behind the cluster.

use std::{fs, path::Path, time::Duration};

use bastion_tests::{
    Bastion, Process,
    expect::{self, Expected},
};
use xtask::Result;

/// Waits until every expected state is saved.
pub(crate) async fn saved(bastion: &Bastion, watcher: &mut Process, expected: &Expected) -> Result<()> {
    Ok(expect::saved(bastion, watcher, expected, Duration::from_mins(3)).await?)
}

/// Files and bytes of a folder with all below it.
pub(crate) fn size(folder: &Path) -> (u64, u64) {
    let Ok(entries) = fs::read_dir(folder) else { return (0, 0) };
    entries.flatten().fold((0, 0), |(files, bytes), entry| {
        let path = entry.path();
        let (more_files, more_bytes) =
            if path.is_dir() { size(&path) } else { (1, entry.metadata().map_or(0, |m| m.len())) };
        (files + more_files, bytes + more_bytes)
    })
}

/// Segments of the log and bytes of segments, packs, index and checkpoints: what is the truth, without views.
pub(crate) fn log(repository: &Path) -> (u64, u64) {
    let clusters = repository.join("clusters");
    let segments = fs::read_dir(&clusters)
        .map(|dirs| dirs.flatten().map(|dir| size(&dir.path().join("log")).0).sum())
        .unwrap_or_default();
    (segments, size(&clusters).1)
}

/// `1.5 MB`.
pub(crate) fn bytes(count: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "shown with one digit")]
    let count = count as f64;
    if count < 1e6 { format!("{:.1} kB", count / 1e3) } else { format!("{:.1} MB", count / 1e6) }
}
