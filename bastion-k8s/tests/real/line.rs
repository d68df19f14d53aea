//! A TCP connection that can go dead without a word, as behind a firewall that forgot it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use bastion_k8s::{Client, ConnectOptions, connect};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::cluster::Cluster;

/// The cluster behind a line.
pub(crate) async fn behind(cluster: &Cluster, options: ConnectOptions) -> (Line, Client) {
    let server = cluster.client.server().trim_start_matches("https://").trim_end_matches('/').to_owned();
    let line = Line::to(server.clone()).await;
    let text = cluster.kubeconfig().replace(&server, &format!("127.0.0.1:{}", line.port));
    let file = std::env::temp_dir().join(format!("{}-line.kubeconfig", cluster.namespace));
    std::fs::write(&file, text).unwrap();
    let client = connect(&options.kubeconfig(file.clone())).await.unwrap();
    std::fs::remove_file(file).unwrap();
    (line, client)
}

pub(crate) struct Line {
    pub(crate) port: u16,
    swallowed: Arc<AtomicUsize>,
    dead: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
    cut: Arc<Notify>,
}

impl Line {
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (dead, swallowed, connections) = (Arc::default(), Arc::default(), Arc::default());
        let line = Self { port, swallowed, dead, connections, cut: Arc::new(Notify::new()) };
        let (dead, swallowed, connections, cut) =
            (line.dead.clone(), line.swallowed.clone(), line.connections.clone(), line.cut.clone());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(carry(client, server.clone(), dead.clone(), swallowed.clone(), cut.clone()));
            }
        });
        line
    }

    /// From now on what arrived on connections that are open goes nowhere; new ones work.
    pub(crate) fn forget(&self) {
        self.dead.store(true, Ordering::SeqCst);
    }

    pub(crate) fn remember(&self) {
        self.dead.store(false, Ordering::SeqCst);
    }

    /// Closes all open connections.
    pub(crate) fn cut(&self) {
        self.cut.notify_waiters();
    }

    /// How many pieces went nowhere.
    pub(crate) fn swallowed(&self) -> usize {
        self.swallowed.load(Ordering::SeqCst)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn carry(
    mut client: TcpStream,
    server: String,
    dead: Arc<AtomicBool>,
    swallowed: Arc<AtomicUsize>,
    cut: Arc<Notify>,
) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let (mut up, mut down) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    // A connection that once lost bytes stays dead: they would be missing in the middle.
    let mut lost = false;
    let cut = cut.notified();
    tokio::pin!(cut);
    loop {
        let (from_client, n) = tokio::select! {
            () = &mut cut => return,
            n = client.read(&mut up) => (true, n.unwrap_or(0)),
            n = server.read(&mut down) => (false, n.unwrap_or(0)),
        };
        lost |= dead.load(Ordering::SeqCst);
        if lost {
            swallowed.fetch_add(1, Ordering::SeqCst);
            if n == 0 {
                // Not even the end is passed on.
                std::future::pending::<()>().await;
            }
            continue;
        }
        let sent = match (n, from_client) {
            (0, _) => return,
            (n, true) => server.write_all(&up[..n]).await,
            (n, false) => client.write_all(&down[..n]).await,
        };
        if sent.is_err() {
            return;
        }
    }
}
