//! A TCP proxy between Bastion and any server: it delays, cuts, goes silent, refuses, counts.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::error::{Context as _, Result};

/// What the proxy does with what passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Everything passes.
    #[default]
    Forward,
    /// Every piece waits this long, in both directions.
    Delay(Duration),
    /// Nothing passes and nobody is told: the half-open connection of a firewall that forgot.
    Silent,
    /// New connections are closed at once, as if the server were down. Running ones go on; see [`Proxy::cut`].
    Refuse,
}

/// What has passed so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections that clients opened.
    pub connections: u64,
    /// Bytes from clients to the server.
    pub sent: u64,
    /// Bytes from the server to clients.
    pub received: u64,
}

/// A running proxy on a port of 127.0.0.1. Dropping it closes everything.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    _accepting: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    mode: watch::Sender<Mode>,
    cut: Mutex<CancellationToken>,
    connections: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

impl Proxy {
    /// Listens on a free port and forwards to a port of 127.0.0.1.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(target: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("proxy")?;
        let port = listener.local_addr().context("proxy")?.port();
        let shared = Arc::new(Shared {
            mode: watch::Sender::new(Mode::Forward),
            cut: Mutex::default(),
            connections: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        });
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, target));
        let accepting = tokio::spawn(accept(listener, target, Arc::clone(&shared)));
        Ok(Self { port, shared, _accepting: AbortOnDropHandle::new(accepting) })
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes what it does, for running connections too.
    pub fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
    }

    /// Closes every running connection.
    pub fn cut(&self) {
        self.shared.token().cancel();
        *self.shared.cut.lock().unwrap_or_else(PoisonError::into_inner) = CancellationToken::new();
    }

    /// What has passed so far.
    pub fn traffic(&self) -> Traffic {
        let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let s = &self.shared;
        Traffic { connections: read(&s.connections), sent: read(&s.sent), received: read(&s.received) }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.token().cancel();
    }
}

impl Shared {
    fn token(&self) -> CancellationToken {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::Relaxed);
        let mode = *shared.mode.borrow();
        if mode == Mode::Refuse {
            continue; // dropped, so closed
        }
        let (shared, cut) = (Arc::clone(&shared), shared.token());
        tokio::spawn(cut.run_until_cancelled_owned(async move {
            let Ok(server) = TcpStream::connect(target).await else { return };
            // Small frames at once, as without a proxy.
            drop((client.set_nodelay(true), server.set_nodelay(true)));
            let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
            // Either direction's end ends both: a half-closed connection would hide a cut.
            tokio::select! {
                () = pump(from_client, to_server, &shared, &shared.sent) => {}
                () = pump(from_server, to_client, &shared, &shared.received) => {}
            }
        }));
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, counter: &AtomicU64) {
    let mut mode = shared.mode.subscribe();
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        // Silent may pass to another mode later; what waited then goes on, as on a healed network.
        if mode.wait_for(|m| *m != Mode::Silent).await.is_err() {
            return;
        }
        let now = *mode.borrow();
        if let Mode::Delay(pause) = now {
            tokio::time::sleep(pause).await;
        }
        if to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
        counter.fetch_add(n as u64, Ordering::Relaxed);
    }
}
