//! Views beside a log: `tree/`, the newest revision of every object as a YAML file.

use std::time::Duration;

use bastion_core::{
    error::chain,
    repository::{TreeView, ViewReport},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How long the last update may take once the log has ended: a pod has 30 seconds to end by default, and the last
/// commit may need 20 of them. Whatever is missing then, the next writer of the log adds.
const LAST: Duration = Duration::from_secs(5);

/// The views of a cluster's log, if the repository's spec wants any.
///
/// A view that cannot be written is logged and holds nothing up: the log is the backup.
#[derive(Debug)]
pub(crate) struct Views(Option<TreeView>);

impl Views {
    pub(crate) fn new(tree: Option<TreeView>) -> Self {
        Self(tree)
    }

    /// Brings them up to the end of the log.
    pub(crate) async fn update(self) {
        if let Some(mut tree) = self.0 {
            report(tree.update().await);
        }
    }

    /// Keeps them up to date in the background.
    pub(crate) fn keep(self, every: Duration) -> Kept {
        let stop = CancellationToken::new();
        let task = self.0.map(|tree| tokio::spawn(tree.keep(every, stop.clone(), report)));
        Kept { stop, task }
    }
}

/// Views that are being kept.
#[derive(Debug)]
pub(crate) struct Kept {
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Kept {
    /// Brings them up to the end of the log a last time. What is not done in time is left to the next start.
    pub(crate) async fn finish(mut self) {
        self.stop.cancel();
        if let Some(task) = &mut self.task {
            let _ = tokio::time::timeout(LAST, task).await;
        }
    }
}

impl Drop for Kept {
    /// A run that is dropped, or whose last update takes too long, leaves no task behind.
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

fn report(updated: bastion_core::Result<ViewReport>) {
    match updated {
        Ok(report) => {
            for object in &report.unshown {
                warn!("tree/: {} has no manifest.yaml: {}", object.id, object.why);
            }
            if report.unnamed_unshown > 0 {
                warn!("tree/: and {} more", report.unnamed_unshown);
            }
        }
        Err(e) => warn!("tree/ is behind: {}", chain(&e)),
    }
}
