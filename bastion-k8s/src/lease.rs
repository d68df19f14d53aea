//! Leader election on a Lease, after client-go. Advisory: the log's create-only commits are the fence.

mod election;
mod object;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bastion_core::backoff::Backoff;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

pub use self::object::LogEnd;
use self::{
    election::{Availability, Observed},
    object::LeaseObject,
};
use crate::{
    client::Client,
    error::{Error, Result},
    http::{
        backoff::random,
        fault::{Fault, Right},
        rest::Request,
    },
};

/// Which Lease, and how patient.
#[derive(Debug, Clone)]
#[non_exhaustive]
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

    /// How long others wait after the last renewal that they saw.
    #[must_use]
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }

    /// How long a leader tries to renew before it gives up.
    #[must_use]
    pub fn renew_deadline(mut self, deadline: Duration) -> Self {
        self.renew_deadline = deadline;
        self
    }

    /// Between two tries; jitter is added.
    #[must_use]
    pub fn retry(mut self, pause: Duration) -> Self {
        self.retry = pause;
        self
    }

    fn check(&self) -> Result<()> {
        if self.identity.is_empty() {
            return Err(Error::Config { what: "a candidate for a lease needs an identity".into(), source: None });
        }
        if !(self.retry < self.renew_deadline && self.renew_deadline < self.duration) {
            let why = "a lease needs retry < renew deadline < duration, or two may lead at once";
            return Err(Error::Config { what: why.into(), source: None });
        }
        Ok(())
    }
}

/// A Lease to be won.
#[derive(Debug, Clone)]
pub struct Lease {
    client: Client,
    options: LeaseOptions,
}

impl Lease {
    /// A candidate for this Lease.
    pub fn new(client: Client, options: LeaseOptions) -> Result<Self> {
        options.check()?;
        Ok(Self { client, options })
    }

    /// Waits until we lead; `None` if `cancel` comes first. What may pass is retried and logged; a missing
    /// right or namespace is an error.
    pub async fn acquire(&self, cancel: &CancellationToken) -> Result<Option<Leadership>> {
        tokio::select! {
            () = cancel.cancelled() => Ok(None),
            won = self.win() => won.map(Some),
        }
    }

    async fn win(&self) -> Result<Leadership> {
        let mut observed = Observed::default();
        loop {
            match self.try_to_win(&mut observed).await {
                Ok(Some(lease)) => return Ok(self.lead(lease)),
                Ok(None) => {}
                Err(error) if error.is_retryable() => {
                    tracing::warn!(lease = %self.options.name, %error, "leader election failed; retrying");
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(self.pause()).await;
        }
    }

    async fn try_to_win(&self, observed: &mut Observed) -> Result<Option<LeaseObject>> {
        let path = self.path();
        let before = match self.once(&Request::get(&path)).await {
            Ok(body) => LeaseObject::parse(&body).map_err(|why| self.failed(Fault::Malformed(why), "get"))?,
            Err(Fault::Status(status)) if status.code == 404 => {
                let new = LeaseObject::new(&self.options.name, &self.options.namespace);
                let won = new.taken(&self.options.identity, self.options.duration, Timestamp::now());
                return self.settle(self.send(http::Method::POST, &self.collection(), &won).await, "create");
            }
            Err(fault) => return Err(self.failed(fault, "get")),
        };
        match observed.availability(&before, &self.options.identity, Instant::now()) {
            Availability::Held => Ok(None),
            Availability::Free => {
                let won = before.taken(&self.options.identity, self.options.duration, Timestamp::now());
                self.settle(self.send(http::Method::PUT, &path, &won).await, "update")
            }
        }
    }

    /// A conflict means that somebody else was faster.
    fn settle(&self, sent: Result<LeaseObject, Fault>, verb: &str) -> Result<Option<LeaseObject>> {
        match sent {
            Ok(lease) => Ok(Some(lease)),
            Err(Fault::Status(status)) if status.code == 409 => Ok(None),
            Err(fault) => Err(self.failed(fault, verb)),
        }
    }

    fn lead(&self, lease: LeaseObject) -> Leadership {
        let previous = lease.log_end();
        let lost = CancellationToken::new();
        let release = CancellationToken::new();
        let end = Arc::new(Mutex::new(previous.clone()));
        let renewal = Renewal { lease: self.clone(), lost: lost.clone(), release: release.clone(), end: end.clone() };
        let task = tokio::spawn(renewal.run(lease));
        Leadership { lost, release, previous, end, task: Some(task) }
    }

    async fn send(&self, method: http::Method, path: &str, lease: &LeaseObject) -> Result<LeaseObject, Fault> {
        let request = Request::new(method, path.to_owned(), lease.to_json().into());
        LeaseObject::parse(&self.once(&request).await?).map_err(Fault::Malformed)
    }

    /// One call, once: the deadline counts, and the loop around tries again. One that hangs, on a connection
    /// that is dead, leaves time for another.
    async fn once(&self, request: &Request) -> Result<Bytes, Fault> {
        let patience = self.options.renew_deadline / 2;
        let answer = tokio::time::timeout(patience, self.client.call_once(request)).await;
        answer.unwrap_or(Err(Fault::TimedOut(patience)))
    }

    /// `retry`, and up to a quarter more.
    fn pause(&self) -> Duration {
        let longest = self.options.retry + self.options.retry / 4;
        Backoff::new(longest, longest).jitter(0.2).next(random())
    }

    fn collection(&self) -> String {
        format!(
            "/apis/coordination.k8s.io/v1/namespaces/{}/leases",
            crate::http::paths::encode(&self.options.namespace)
        )
    }

    fn path(&self) -> String {
        format!("{}/{}", self.collection(), crate::http::paths::encode(&self.options.name))
    }

    fn failed(&self, fault: Fault, verb: &str) -> Error {
        let right = Right { verb, plural: "leases", group: "coordination.k8s.io" };
        fault.into_error(format!("lease {}/{}", self.options.namespace, self.options.name), right)
    }
}

/// Renews until told to stop, or until it cannot.
struct Renewal {
    lease: Lease,
    lost: CancellationToken,
    release: CancellationToken,
    end: Arc<Mutex<Option<LogEnd>>>,
}

impl Renewal {
    async fn run(self, mut lease: LeaseObject) {
        // However this task ends, whoever leads by it hears of it.
        let _guard = self.lost.clone().drop_guard();
        let options = &self.lease.options;
        let (mut renewed, mut began) = (Instant::now(), Instant::now());
        while !self.release.is_cancelled() {
            tokio::select! {
                () = self.release.cancelled() => break,
                // Since the last try began: one that hung was pause enough.
                () = tokio::time::sleep_until(began + self.lease.pause()) => {}
            }
            let deadline = renewed + options.renew_deadline;
            began = Instant::now();
            match tokio::time::timeout_at(deadline, self.renew(&lease)).await {
                Ok(Ok(Some(now))) => (lease, renewed) = (now, began),
                Ok(Ok(None)) => {
                    tracing::warn!(lease = %options.name, "another candidate is the leader now");
                    return;
                }
                Ok(Err(error)) => tracing::warn!(lease = %options.name, %error, "could not renew the lease"),
                Err(_) => {}
            }
            if Instant::now() >= deadline.max(renewed + options.renew_deadline) {
                tracing::warn!(lease = %options.name, "could not renew the lease in time; no longer the leader");
                return;
            }
        }
        self.lost.cancel();
        self.give_back(&lease).await;
    }

    /// `None` means that somebody else holds it.
    async fn renew(&self, lease: &LeaseObject) -> Result<Option<LeaseObject>> {
        let next = lease.renewed(self.end().as_ref(), self.lease.options.duration, Timestamp::now());
        let path = self.lease.path();
        match self.lease.send(http::Method::PUT, &path, &next).await {
            Ok(lease) => Ok(Some(lease)),
            Err(Fault::Status(status)) if status.code == 409 => {
                // Somebody wrote: another candidate, or only a person who put a label on it; or our own
                // write arrived and its answer did not.
                let body = self.lease.once(&Request::get(&path)).await;
                let body = body.map_err(|f| self.lease.failed(f, "get"))?;
                let now = LeaseObject::parse(&body).map_err(|why| self.lease.failed(Fault::Malformed(why), "get"))?;
                Ok((now.holder() == Some(self.lease.options.identity.as_str())).then_some(now))
            }
            Err(fault) => Err(self.lease.failed(fault, "update")),
        }
    }

    async fn give_back(&self, lease: &LeaseObject) {
        let free = lease.renewed(self.end().as_ref(), self.lease.options.duration, Timestamp::now()).freed();
        let path = self.lease.path();
        let sent = self.lease.send(http::Method::PUT, &path, &free);
        let patience = self.lease.options.retry * 2;
        match tokio::time::timeout(patience, sent).await {
            Ok(Ok(_)) => tracing::info!(lease = %self.lease.options.name, "lease released"),
            // The next candidate waits until it runs out: slower, not wrong.
            Ok(Err(fault)) => tracing::debug!(%fault, "lease not released"),
            Err(_) => tracing::debug!("lease not released in time"),
        }
    }

    fn end(&self) -> Option<LogEnd> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// We lead, until `lost` says otherwise. Dropping it stops renewing without giving the Lease back.
#[derive(Debug)]
pub struct Leadership {
    lost: CancellationToken,
    release: CancellationToken,
    previous: Option<LogEnd>,
    end: Arc<Mutex<Option<LogEnd>>>,
    task: Option<JoinHandle<()>>,
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
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }

    /// Gives the Lease back, so that the next candidate need not wait. Stop writing before.
    pub async fn release(mut self) {
        self.release.cancel();
        if let Some(task) = self.task.take() {
            // A panic in the task was printed; the lease then runs out by itself.
            let _ = task.await;
        }
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
