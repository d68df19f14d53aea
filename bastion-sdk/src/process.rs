//! What a long-lived program needs around a backup: signals, an admin server, health, logs.
//!
//! | for | use |
//! |---|---|
//! | signals, an admin server and an orderly shutdown in one place | [`Process`] |
//! | signals alone, in a command for the terminal | [`shutdown_on_signals`] |
//! | `/healthz`, `/readyz` and `/metrics` alone | [`Admin`] |
//! | what `/readyz` and `/metrics` report about a backup | [`Health`] |
//! | who the process is in a pod | [`pod_identity`], [`pod_namespace`] |
//! | log lines that never hold the content of an object | [`Logging`], [`LogFilter`] |
//!
//! ```no_run
//! use bastion_sdk::process::{Admin, Health, Process};
//!
//! # async fn serve() -> Result<(), bastion_sdk::process::ProcessError> {
//! let health = Health::default();
//! let process = Process::builder()
//!     .admin(Admin::new(([0, 0, 0, 0], 8080).into()).health(&health))
//!     .start()
//!     .await?;
//! let shutdown = process.shutdown();
//! process
//!     .run(async {
//!         health.set_standby();
//!         // Back up until the first SIGINT or SIGTERM, then drain.
//!         shutdown.cancelled().await;
//!     })
//!     .await;
//! # Ok(())
//! # }
//! ```

mod admin;
mod error;
mod health;
mod logging;
mod pod;
mod runtime;
mod shutdown;

pub use self::{
    admin::{Admin, AdminServer},
    error::ProcessError,
    health::Health,
    logging::{LogFilter, LogFilterError, LogFormat, Logging},
    pod::{pod_identity, pod_namespace},
    runtime::{Process, ProcessBuilder, block_on},
    shutdown::shutdown_on_signals,
};
