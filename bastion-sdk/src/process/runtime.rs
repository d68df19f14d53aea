//! Signals, admin server and shutdown in one place.

use std::{net::SocketAddr, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{
    admin::{Admin, AdminServer},
    error::ProcessError,
    shutdown::shutdown_on_signals,
};

/// How long requests to the admin server may take to finish once the work is done.
const ADMIN_DRAIN: Duration = Duration::from_secs(1);

/// A long-lived program: signals are handled and probes are answered until its work is done.
///
/// See the [module](super) for an example.
#[derive(Debug)]
pub struct Process {
    shutdown: CancellationToken,
    admin: Option<AdminServer>,
}

impl Process {
    /// Describes a process: without an admin server, and with exit code 1 after a second signal.
    pub fn builder() -> ProcessBuilder {
        ProcessBuilder { admin: None, forced_exit_code: 1 }
    }

    /// Cancelled by the first SIGINT or SIGTERM.
    #[must_use]
    pub fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Where the admin server listens, if there is one.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(AdminServer::local_addr)
    }

    /// Waits for `work`, which ends soon after [`shutdown`](Self::shutdown) is cancelled. Probes are answered until
    /// then; requests under way get a second to finish.
    pub async fn run<T>(self, work: impl Future<Output = T>) -> T {
        let result = work.await;
        if let Some(admin) = self.admin {
            admin.shutdown(ADMIN_DRAIN).await;
        }
        result
    }
}

/// Runs a whole program on Tokio's threads. It does not wait for a thread that is blocked, for example by a file system
/// that does not answer.
///
/// # Errors
///
/// [`ProcessError::Threads`] if the operating system refuses threads.
pub fn block_on<T>(program: impl Future<Output = T>) -> Result<T, ProcessError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ProcessError::Threads)?;
    let result = runtime.block_on(program);
    runtime.shutdown_background();
    Ok(result)
}

/// Describes a [`Process`].
#[derive(Debug)]
#[must_use = "nothing happens before `start`"]
pub struct ProcessBuilder {
    admin: Option<Admin>,
    forced_exit_code: i32,
}

impl ProcessBuilder {
    /// Serves probes and metrics.
    pub fn admin(mut self, admin: Admin) -> Self {
        self.admin = Some(admin);
        self
    }

    /// Ends the process with this code on a second signal.
    pub fn forced_exit_code(mut self, code: i32) -> Self {
        self.forced_exit_code = code;
        self
    }

    /// Installs the signal handlers, then starts the admin server.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Signals`] and [`ProcessError::Listen`].
    pub async fn start(self) -> Result<Process, ProcessError> {
        let shutdown = shutdown_on_signals(self.forced_exit_code)?;
        let admin = match self.admin {
            Some(admin) => Some(admin.serve().await?),
            None => None,
        };
        Ok(Process { shutdown, admin })
    }
}
