#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{
    Arc, Barrier,
    atomic::{AtomicBool, Ordering},
};

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

fn local() -> Admin {
    Admin::new((Ipv4Addr::LOCALHOST, 0).into())
}

/// Status line and headers, and the body.
async fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: admin\r\n\r\n").as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn probes_and_metrics_are_answered() {
    let ready = Arc::new(AtomicBool::new(false));
    let is_ready = ready.clone();
    let admin = local()
        .ready(move || if is_ready.load(Ordering::SeqCst) { Ok("leading") } else { Err("reading the log".to_owned()) });
    let server = admin.serve().await.unwrap();
    let address = server.local_addr();

    let (head, body) = get(address, "/healthz").await;
    assert!(head.starts_with("HTTP/1.0 200") && body == "ok\n", "{head}\n{body}");
    let (head, body) = get(address, "/readyz").await;
    assert!(head.starts_with("HTTP/1.0 503") && body == "reading the log\n", "{head}\n{body}");
    ready.store(true, Ordering::SeqCst);
    let (head, body) = get(address, "/readyz").await;
    assert!(head.starts_with("HTTP/1.0 200") && body == "leading\n", "{head}\n{body}");
    let (head, body) = get(address, "/metrics").await;
    assert!(head.contains(OPEN_METRICS) && body == "# EOF\n", "{head}\n{body}");
    assert!(get(address, "/nothing").await.0.starts_with("HTTP/1.0 404"));
    server.shutdown(Duration::from_secs(10)).await;
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn the_health_of_a_backup_is_served() {
    let health = Health::default();
    let mut own = Registry::with_prefix("portal");
    own.register("orders", "Orders", prometheus_client::metrics::gauge::Gauge::<i64>::default());
    let admin = local().metrics(own).ready(|| Ok("open")).health(&health);
    let server = admin.serve().await.unwrap();
    assert!(get(server.local_addr(), "/readyz").await.0.contains(" 503 "));
    health.set_standby();
    health.set_log_truncated();
    assert_eq!(get(server.local_addr(), "/readyz").await.1, "open, standby\n");
    let (_, metrics) = get(server.local_addr(), "/metrics").await;
    for line in ["portal_orders 0", "bastion_leader 0", "bastion_log_truncated 1"] {
        assert!(metrics.lines().any(|l| l == line), "no {line} in\n{metrics}");
    }
}

#[tokio::test]
async fn an_address_in_use_is_a_clear_error() {
    let first = local().serve().await.unwrap();
    let second = Admin::new(first.local_addr()).serve().await;
    let error = second.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {}", first.local_addr()));
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.to_string().contains("in use"), "{source}");
}

/// Metrics that are not read before somebody lets them.
#[derive(Debug)]
struct Slow(Arc<Barrier>);

impl Collector for Slow {
    fn encode(&self, _: DescriptorEncoder) -> fmt::Result {
        // Twice: the scrape has begun, and it may end.
        self.0.wait();
        self.0.wait();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_waits_for_a_request_under_way_but_not_for_ever() {
    for (patience, answered) in [(Duration::from_mins(1), true), (Duration::from_millis(50), false)] {
        let barrier = Arc::new(Barrier::new(2));
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Slow(barrier.clone())));
        let server = local().metrics(registry).serve().await.unwrap();
        let scrape = tokio::spawn(get(server.local_addr(), "/metrics"));
        let wait = move || {
            let barrier = barrier.clone();
            tokio::task::spawn_blocking(move || barrier.wait())
        };
        wait().await.unwrap();
        let shutdown = tokio::spawn(server.shutdown(patience));
        if !answered {
            // It returns although nobody lets the scrape go.
            tokio::time::timeout(Duration::from_secs(30), shutdown).await.unwrap().unwrap();
            wait().await.unwrap();
            continue;
        }
        wait().await.unwrap();
        assert_eq!(scrape.await.unwrap().1, "# EOF\n");
        shutdown.await.unwrap();
    }
}
