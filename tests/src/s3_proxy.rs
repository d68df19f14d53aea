//! An HTTP proxy between Bastion and an S3 server: it understands requests, so that tests count them,
//! know which PUTs were acknowledged, and fail exactly the one they mean.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bastion_test_tools::hex;
use sha2::{Digest as _, Sha256};
use tokio::{
    io::BufStream,
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::error::{Context as _, Result};

mod http1;

use http1::Message;

/// One request and what became of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// 1, 2, 3 … in the order of arrival.
    pub number: u64,
    /// GET, PUT, …
    pub method: String,
    /// Bucket and key, still percent-encoded, without the query.
    pub path: String,
    /// The query, without `?`.
    pub query: String,
    /// Whether it must not overwrite (`If-None-Match: *`).
    pub create_only: bool,
    /// Length of the request's body.
    pub sent: usize,
    /// SHA-256 of the request's body, hex.
    pub sha256: String,
    /// The server's status; `None` while it has not answered.
    pub status: Option<u16>,
    /// Whether the answer was handed to the client: a 200 that was is an acknowledgement.
    pub answered: bool,
}

impl Exchange {
    /// A PUT whose success the client was told.
    pub fn is_acknowledged_put(&self) -> bool {
        self.method == "PUT" && self.answered && self.status.is_some_and(|s| (200..300).contains(&s))
    }
}

/// When a hook is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The request is here whole; the server knows nothing of it.
    BeforeRequest,
    /// The server has answered; the client knows nothing of it.
    BeforeResponse,
    /// The client has been told.
    AfterResponse,
}

/// What a hook wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Go on.
    Pass,
    /// Close the connection to the client: before the request nothing has happened, before the response
    /// it has and the client cannot know.
    Cut,
    /// Answer with this status instead of passing the request on (503, 429, 409 …).
    Answer(u16),
    /// Send the head and half of the body to the server, then hold both connections for this long: a
    /// writer stopped in the middle of a PUT.
    StallHalfway(Duration),
    /// Wait, then go on.
    Delay(Duration),
}

/// Asked at every [`Moment`]; may kill processes before it answers.
pub type Hook = Arc<dyn Fn(Moment, &Exchange) -> Action + Send + Sync>;

/// A running proxy on a port of 127.0.0.1. Dropping it closes everything.
pub struct S3Proxy {
    port: u16,
    shared: Arc<Shared>,
    _accepting: AbortOnDropHandle<()>,
}

struct Shared {
    target: SocketAddr,
    next: AtomicU64,
    exchanges: Mutex<Vec<Exchange>>,
    hook: Mutex<Hook>,
    stop: CancellationToken,
}

impl fmt::Debug for S3Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Proxy").field("port", &self.port).finish_non_exhaustive()
    }
}

impl S3Proxy {
    /// Listens on a free port and forwards to a port of 127.0.0.1.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(target: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("S3 proxy")?;
        let port = listener.local_addr().context("S3 proxy")?.port();
        let shared = Arc::new(Shared {
            target: (Ipv4Addr::LOCALHOST, target).into(),
            next: AtomicU64::new(1),
            exchanges: Mutex::default(),
            hook: Mutex::new(Arc::new(|_, _| Action::Pass)),
            stop: CancellationToken::new(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { port, shared, _accepting: AbortOnDropHandle::new(accepting) })
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sets what is asked at every moment of every request.
    pub fn hook(&self, hook: impl Fn(Moment, &Exchange) -> Action + Send + Sync + 'static) {
        *lock(&self.shared.hook) = Arc::new(hook);
    }

    /// Lets everything pass again.
    pub fn pass(&self) {
        self.hook(|_, _| Action::Pass);
    }

    /// Every request so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.shared.exchanges).clone()
    }

    /// Forgets the requests so far; numbers go on.
    pub fn forget(&self) {
        lock(&self.shared.exchanges).clear();
    }

    /// How many requests of a method touched a path that contains this text.
    pub fn count(&self, method: &str, path_contains: &str) -> usize {
        let all = lock(&self.shared.exchanges);
        all.iter().filter(|e| e.method == method && e.path.contains(path_contains)).count()
    }

    /// Paths of the PUTs whose success the client was told, in order.
    pub fn acknowledged_puts(&self) -> Vec<String> {
        lock(&self.shared.exchanges).iter().filter(|e| e.is_acknowledged_put()).map(|e| e.path.clone()).collect()
    }
}

impl Drop for S3Proxy {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let (shared, stop) = (Arc::clone(&shared), shared.stop.clone());
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            drop(client.set_nodelay(true));
            // An error ends this connection, and the client sees it closed: that is all it should see.
            drop(serve(BufStream::new(client), &shared).await);
        }));
    }
}

/// One client's connection: request after request, each over the same connection to the server.
async fn serve(mut client: BufStream<TcpStream>, shared: &Shared) -> std::io::Result<()> {
    let mut server: Option<BufStream<TcpStream>> = None;
    while let Some(request) = http1::read_request(&mut client).await? {
        let seen = shared.note(&request);
        match shared.ask(Moment::BeforeRequest, &seen).await {
            Action::Cut => return Ok(()),
            Action::Answer(status) => {
                shared.update(seen.number, Some(status), true);
                http1::write(&mut client, &Message::status(status)).await?;
                if request.closes() {
                    return Ok(());
                }
                continue;
            }
            Action::StallHalfway(pause) => {
                let mut half = BufStream::new(TcpStream::connect(shared.target).await?);
                http1::write_half(&mut half, &request).await?;
                tokio::time::sleep(pause).await;
                return Ok(());
            }
            Action::Pass | Action::Delay(_) => {}
        }
        let upstream = match &mut server {
            Some(open) if !is_closed(open.get_ref()) => open,
            _ => server.insert(connect(shared.target).await?),
        };
        http1::write(upstream, &request).await?;
        let response = http1::read_response(upstream, seen.method == "HEAD").await?;
        let seen = shared.update(seen.number, Some(response.code()), false).unwrap_or(seen);
        if shared.ask(Moment::BeforeResponse, &seen).await == Action::Cut {
            return Ok(());
        }
        http1::write(&mut client, &response).await?;
        let seen = shared.update(seen.number, Some(response.code()), true).unwrap_or(seen);
        if shared.ask(Moment::AfterResponse, &seen).await == Action::Cut || response.closes() || request.closes() {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether the server has closed a connection that was idle.
fn is_closed(stream: &TcpStream) -> bool {
    !matches!(stream.try_read(&mut [0]), Err(e) if e.kind() == std::io::ErrorKind::WouldBlock)
}

async fn connect(target: SocketAddr) -> std::io::Result<BufStream<TcpStream>> {
    let stream = TcpStream::connect(target).await?;
    // A body of more than the buffer is a second write, which would wait 40 ms for the answer to the first.
    stream.set_nodelay(true)?;
    Ok(BufStream::new(stream))
}

impl Shared {
    fn note(&self, request: &Message) -> Exchange {
        let (method, target) = request.method_and_target();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let digest = Sha256::digest(&request.body);
        let exchange = Exchange {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            create_only: request.header("if-none-match").is_some(),
            sent: request.body.len(),
            sha256: hex(&digest),
            status: None,
            answered: false,
        };
        lock(&self.exchanges).push(exchange.clone());
        exchange
    }

    fn update(&self, number: u64, status: Option<u16>, answered: bool) -> Option<Exchange> {
        let mut all = lock(&self.exchanges);
        let exchange = all.iter_mut().rev().find(|e| e.number == number)?;
        (exchange.status, exchange.answered) = (status, answered);
        Some(exchange.clone())
    }

    async fn ask(&self, moment: Moment, exchange: &Exchange) -> Action {
        let hook = Arc::clone(&lock(&self.hook));
        // Off the runtime's worker: a hook may wait for a process to end.
        let asked = exchange.clone();
        let action = tokio::task::spawn_blocking(move || hook(moment, &asked)).await.unwrap_or(Action::Pass);
        if let Action::Delay(pause) = action {
            tokio::time::sleep(pause).await;
        }
        action
    }
}
