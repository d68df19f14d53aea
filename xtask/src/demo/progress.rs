//! How far the repository is behind the cluster.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use bastion_tests::{Bastion, Process, wait};

use super::cast::Expected;
use crate::cli::Result;

/// Waits until every expected state is saved, as `bastion ls` tells.
pub(crate) async fn saved(bastion: &Bastion, watcher: &mut Process, expected: &Expected) -> Result<()> {
    let what = format!("{} states to be saved", expected.len());
    let done = wait::until(&what, Duration::from_mins(3), async || {
        if let Err(e) = watcher.check() {
            return Ok(Some(Err(e)));
        }
        let rows = bastion.saved(&[]).await?;
        let there: BTreeMap<_, _> = rows.into_iter().map(|row| (row.id(), row)).collect();
        let all = expected.iter().all(|(id, wanted)| match (there.get(id), wanted) {
            (Some(row), Some(version)) => row.state == "saved" && row.resource_version == *version,
            (Some(row), None) => row.state == "deleted",
            (None, _) => false,
        });
        Ok(all.then_some(Ok(())))
    });
    Ok(done.await??)
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
