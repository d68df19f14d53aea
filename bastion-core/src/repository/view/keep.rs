//! Keeping a view up to date while a log is being written.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{TreeView, ViewReport};
use crate::error::Result;

impl TreeView {
    /// Looks for new commits so often, until `stop`, and once more then. Each update that did something or
    /// failed is told of; after a failure the next look tries again.
    pub async fn keep(
        mut self,
        every: Duration,
        stop: CancellationToken,
        mut tell: impl FnMut(Result<ViewReport>) + Send,
    ) {
        let runtime = self.repository.runtime().clone();
        loop {
            let last = stop.is_cancelled();
            match self.update().await {
                Ok(report) if report.written + report.removed == 0 => {}
                other => tell(other),
            }
            if last {
                return;
            }
            tokio::select! {
                () = runtime.sleep(every) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}
