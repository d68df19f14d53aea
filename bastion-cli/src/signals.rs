//! Ctrl-C and SIGTERM: the first asks to save and stop, the second does not wait for it.

use bastion_sdk::process::shutdown_on_signals;
use tokio_util::sync::CancellationToken;

use crate::{error::Result, exit::Exit};

/// A token that the first signal cancels.
pub(crate) fn cancelled_by_signal() -> Result<CancellationToken> {
    Ok(shutdown_on_signals(Exit::Interrupted as i32)?)
}
