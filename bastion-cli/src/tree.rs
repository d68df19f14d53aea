//! The `tree/` view beside a log that is being written.

use std::time::Duration;

use bastion_core::repository::ViewReport;
use tracing::warn;

use crate::error::chain;

/// How often a running watch brings the view up to date.
pub(crate) const EVERY: Duration = Duration::from_secs(1);

/// How long it may take to do so a last time, on the way out.
pub(crate) const LAST: Duration = Duration::from_secs(10);

/// Says what could not be shown. A view that fails holds nothing up: the log is the backup.
pub(crate) fn warn(updated: bastion_core::Result<ViewReport>) {
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
