//! The `tree/` view beside the log that is being written.

use std::time::Duration;

use bastion_core::error::chain;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{config::Config, run::Reached};

/// How often it is brought up to date.
const EVERY: Duration = Duration::from_secs(5);

/// The task that keeps the view, where one is wanted.
#[derive(Debug)]
pub(crate) struct View {
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl View {
    /// Starts it. A view that fails holds nothing up: the log is the backup.
    pub(crate) fn start(config: &Config, reached: &Reached) -> Self {
        let stop = CancellationToken::new();
        let task = config.keeps_tree().then(|| {
            let view = reached.repo.tree_view(&reached.cluster);
            tokio::spawn(view.keep(EVERY, stop.clone(), |updated| match updated {
                Ok(report) => {
                    for unshown in &report.unshown {
                        warn!(object = %unshown.id, "tree/ has no manifest.yaml of it: {}", unshown.why);
                    }
                }
                Err(e) => warn!("tree/ is behind: {}", chain(&e)),
            }))
        });
        Self { stop, task }
    }

    /// Writes what is missing, for some seconds at most: the next start goes on.
    pub(crate) async fn finish(self) {
        self.stop.cancel();
        if let Some(task) = self.task {
            let _ = tokio::time::timeout(EVERY, task).await;
        }
    }
}
