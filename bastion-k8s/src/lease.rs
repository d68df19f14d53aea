//! Leader election on a Lease. Advisory: the log's create-only commits are the fence.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    client::Client,
    error::{Error, Result},
};

/// Which Lease, and how patient.
#[derive(Debug, Clone)]
pub struct LeaseOptions {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Who we are; unique among the candidates (a pod's name).
    pub identity: String,
    /// How long others wait after the last renewal that they saw.
    pub duration: Duration,
    /// How long a leader tries to renew before it gives up.
    pub renew_deadline: Duration,
    /// Between two tries; jitter is added.
    pub retry: Duration,
}

impl LeaseOptions {
    /// Kubernetes' usual times: 15 s, 10 s, 2 s.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>, identity: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            identity: identity.into(),
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

/// Where the log ends, as the leader last said: segments cut off at the end do not show from inside the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEnd {
    /// Number of the last segment.
    pub number: u64,
    /// Its digest, as `sha256` hex.
    pub digest: String,
}

/// A Lease to be won.
#[derive(Debug, Clone)]
pub struct Lease {
    client: Client,
    options: LeaseOptions,
}

impl Lease {
    /// A candidate for this Lease.
    pub fn new(client: Client, options: LeaseOptions) -> Self {
        Self { client, options }
    }

    /// Waits until we lead; `None` if `cancel` comes first. Failures are retried and logged.
    pub async fn acquire(&self, cancel: &CancellationToken) -> Result<Option<Leadership>> {
        cancel.cancelled().await;
        let doing = format!("lease {} at {}", self.options.name, self.client.server());
        Err(Error::Malformed { doing, why: "not written yet".into() })
    }
}

/// We lead, until `lost` says otherwise. Dropping it stops renewing without giving the Lease back.
#[derive(Debug)]
pub struct Leadership {
    lost: CancellationToken,
    previous: Option<LogEnd>,
}

impl Leadership {
    /// Cancelled as soon as we may no longer lead: stop writing.
    pub fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }

    /// Where the log ended when the last leader renewed; a log that ends before it has lost segments.
    pub fn previous_log_end(&self) -> Option<&LogEnd> {
        self.previous.as_ref()
    }

    /// Says where the log ends now; goes out with the next renewal.
    pub fn set_log_end(&self, end: LogEnd) {
        let _ = end;
    }

    /// Gives the Lease back, so that the next candidate need not wait.
    pub async fn release(self) {}
}
