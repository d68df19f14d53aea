//! Why a process could not be set up.

use std::{io, net::SocketAddr};

/// Why a process could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// The admin server's address is in use, not ours, or not allowed.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The operating system refused a signal handler.
    #[error("cannot wait for signals")]
    Signals(#[source] io::Error),
    /// The operating system refused threads.
    #[error("cannot start threads")]
    Threads(#[source] io::Error),
    /// The program has a subscriber for log lines already; it stays.
    #[error("logging is already set up")]
    Logging,
}
