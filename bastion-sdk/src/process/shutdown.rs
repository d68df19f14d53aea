//! SIGINT and SIGTERM: the first asks the program to drain, the second ends it at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::error::ProcessError;

/// Returns a token that the first SIGINT or SIGTERM cancels. The second ends the process at once with `exit_code`,
/// whatever is still under way: what was committed is durable, and the next run finds the rest.
///
/// Call it before anybody can know that the program runs: until then a signal kills it.
///
/// # Errors
///
/// [`ProcessError::Signals`] if the operating system refuses a handler.
///
/// # Panics
///
/// Outside of a Tokio runtime with I/O enabled.
pub fn shutdown_on_signals(exit_code: i32) -> Result<CancellationToken, ProcessError> {
    let mut signals = Signals::new()?;
    let shutdown = CancellationToken::new();
    let requested = shutdown.clone();
    tokio::spawn(async move {
        let name = signals.next().await;
        info!("{name}: saving what is in flight");
        requested.cancel();
        signals.next().await;
        std::process::exit(exit_code);
    });
    Ok(shutdown)
}

#[derive(Debug)]
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self, ProcessError> {
        let listen = |kind| signal(kind).map_err(ProcessError::Signals);
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

#[cfg(test)]
mod tests;
