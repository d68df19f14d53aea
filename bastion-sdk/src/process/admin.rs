//! The admin server: `/healthz`, `/readyz` and `/metrics` over HTTP.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{encoding::text, registry::Registry};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{error::ProcessError, health::Health};

/// The format of `/metrics`.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Describes an admin server.
///
/// - `/healthz` answers `ok` while the process lives: what waits for the cluster or the storage is not cured by a
///   restart.
/// - `/readyz` answers 200 with one word, or 503 with what the process still waits for.
/// - `/metrics` is in the `OpenMetrics` format.
#[must_use = "nothing is served before `serve`"]
pub struct Admin {
    address: SocketAddr,
    routes: Routes,
}

/// A word, or what the process still waits for.
type Ready = dyn Fn() -> Result<&'static str, String> + Send + Sync;

/// What the routes answer with.
#[derive(Default)]
struct Routes {
    ready: Vec<Box<Ready>>,
    metrics: Vec<Registry>,
}

impl Admin {
    /// A server on `address` that is `ready` and has no metrics, as long as nothing is added. Port 0 takes any free port; where the machine
    /// has no IPv6, `[::]` means every IPv4 address.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, routes: Routes::default() }
    }

    /// Adds to what `/readyz` answers: a word, or what the process still waits for. It is ready once everything is.
    pub fn ready(mut self, ready: impl Fn() -> Result<&'static str, String> + Send + Sync + 'static) -> Self {
        self.routes.ready.push(Box::new(ready));
        self
    }

    /// Adds to what `/metrics` answers, beside what was added before.
    pub fn metrics(mut self, metrics: Registry) -> Self {
        self.routes.metrics.push(metrics);
        self
    }

    /// Reports the health of a backup on `/readyz`, and its numbers on `/metrics`, named `bastion_…`.
    pub fn health(self, health: &Health) -> Self {
        let mut metrics = Registry::with_prefix("bastion");
        metrics.register_collector(Box::new(health.clone()));
        let health = health.clone();
        self.ready(move || health.ready()).metrics(metrics)
    }

    /// Listens, and serves in a task of its own.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Listen`] if the address is in use or not allowed.
    pub async fn serve(self) -> Result<AdminServer, ProcessError> {
        let cannot = |source| ProcessError::Listen { address: self.address, source };
        let listener = bind(self.address).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let shutdown = CancellationToken::new();
        let server = axum::serve(listener, self.routes.into_router());
        let server = server.with_graceful_shutdown(shutdown.clone().cancelled_owned());
        Ok(AdminServer { address, shutdown, task: tokio::spawn(async move { server.await }) })
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(_) if address.ip() == Ipv6Addr::UNSPECIFIED => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        bound => bound,
    }
}

impl Routes {
    fn into_router(self) -> Router {
        Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(Arc::new(self))
    }
}

async fn ready(State(routes): State<Arc<Routes>>) -> Response {
    match routes.ready.iter().map(|ready| ready()).collect::<Result<Vec<_>, _>>() {
        Ok(words) if words.is_empty() => "ready\n".into_response(),
        Ok(words) => format!("{}\n", words.join(", ")).into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn metrics(State(routes): State<Arc<Routes>>) -> Response {
    let mut body = String::new();
    let encoded = routes.metrics.iter().try_for_each(|registry| text::encode_registry(&mut body, registry));
    match encoded.and_then(|()| text::encode_eof(&mut body)) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A running admin server. It stops with [`shutdown`](Self::shutdown), or with the process.
#[derive(Debug)]
pub struct AdminServer {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

impl AdminServer {
    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, and waits up to `timeout` for the requests that are under way.
    pub async fn shutdown(self, timeout: Duration) {
        self.shutdown.cancel();
        let mut task = self.task;
        match tokio::time::timeout(timeout, &mut task).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(e))) => warn!("the admin server failed: {e}"),
            Ok(Err(e)) => warn!("the admin server failed: {e}"),
            Err(_) => task.abort(),
        }
    }
}

#[cfg(test)]
mod tests;
