//! Keeping a view up to date while a log is being written.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{TreeView, ViewReport};
use crate::error::Result;

impl TreeView {
    /// Updates the view at this interval until `stop` is cancelled, and once more then. `report` gets each update that
    /// did something or failed; after a failure the next update tries again.
    pub async fn keep(
        mut self,
        every: Duration,
        stop: CancellationToken,
        mut report: impl FnMut(Result<ViewReport>) + Send,
    ) {
        let runtime = self.repository.runtime().clone();
        loop {
            let last = stop.is_cancelled();
            match self.update().await {
                Ok(done) if done.written + done.removed == 0 => {}
                updated => report(updated),
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
