//! Starts the process, leads while it may, stops when it must.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

pub(crate) use bastion_core::error::chain;
use bastion_core::{
    Category, Error,
    backoff::Backoff,
    repository::{InitOptions, OpenOptions, Repository},
};
use bastion_k8s::Client;
use clap::Parser;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{args::Args, config::Config, health::Health, leader, logging, serve};

/// How a run ends; `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Ok = 0,
    Error = 1,
    Usage = 2,
    Partial = 4,
    Conflict = 7,
}

/// What ends the process.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fatal {
    #[error(transparent)]
    Core(#[from] Error),
    #[error(transparent)]
    Kubernetes(#[from] bastion_k8s::Error),
    #[error("the configuration")]
    Config(#[from] crate::config::ConfigError),
    #[error("{0}")]
    Cluster(String),
    #[error("{what}")]
    Io {
        what: String,
        #[source]
        source: std::io::Error,
    },
}

impl Fatal {
    fn category(&self) -> Category {
        match self {
            Self::Core(e) => e.category(),
            Self::Kubernetes(e) => e.category(),
            Self::Config(_) | Self::Cluster(_) => Category::Invalid,
            Self::Io { .. } => Category::Other,
        }
    }
}

/// The whole program.
pub(crate) fn main() -> ExitCode {
    let args = Args::parse();
    let config = match Config::load(args.config.as_deref(), std::env::vars()) {
        Ok(config) => config,
        Err(e) => return usage(&chain(&e)),
    };
    if args.print_config {
        return print(&config);
    }
    logging::start(&config.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(source) => {
            error!("{}", chain(&Fatal::Io { what: "cannot start threads".to_owned(), source }));
            return ExitCode::from(Exit::Error as u8);
        }
    };
    let exit = match runtime.block_on(run(&config)) {
        Ok(exit) => exit,
        Err(e) => {
            error!(category = e.category().as_str(), "stopped: {}", chain(&e));
            if e.category() == Category::Conflict { Exit::Conflict } else { Exit::Error }
        }
    };
    info!(code = exit as u8, "bye");
    ExitCode::from(exit as u8)
}

#[expect(clippy::print_stderr, reason = "logging is configured by what could not be read")]
fn usage(why: &str) -> ExitCode {
    eprintln!("error: {why}");
    ExitCode::from(Exit::Usage as u8)
}

#[expect(clippy::print_stdout, reason = "that is what was asked for")]
fn print(config: &Config) -> ExitCode {
    match serde_saphyr::to_string(config) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(e) => usage(&format!("cannot print the configuration: {e}")),
    }
}

async fn run(config: &Config) -> Result<Exit, Fatal> {
    let stop = stop_on_signals()?;
    let health = Arc::new(Health::default());
    let listener = listen(config.listen)
        .await
        .map_err(|source| Fatal::Io { what: format!("cannot listen on {}", config.listen), source })?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        listen = %listener.local_addr().map_or(config.listen, |a| a),
        "bastion-controller starts"
    );
    // Probes are answered until the very end, so they stop with a signal of their own.
    let done = CancellationToken::new();
    let server = tokio::spawn(serve::serve(listener, health.clone(), done.clone()));
    let result = work(config, &health, &stop).await;
    done.cancel();
    if let Ok(Err(e)) = tokio::time::timeout(Duration::from_secs(1), server).await.unwrap_or(Ok(Ok(()))) {
        warn!("the HTTP server ended badly: {e}");
    }
    result
}

/// Where a machine has no IPv6, every address means every address of IPv4.
async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(_) if address.ip() == Ipv6Addr::UNSPECIFIED => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        bound => bound,
    }
}

async fn work(config: &Config, health: &Health, stop: &CancellationToken) -> Result<Exit, Fatal> {
    let client = bastion_k8s::connect(&config.connect_options()).await?;
    let reached = tokio::select! {
        reached = reach(config, &client) => reached?,
        () = stop.cancelled() => return Ok(Exit::Ok),
    };
    health.set_connected();
    leader::lead(config, &client, reached, health, stop).await
}

/// The repository, and who the cluster is in it.
#[derive(Debug)]
pub(crate) struct Reached {
    pub(crate) repo: Repository,
    pub(crate) cluster: String,
    pub(crate) uid: String,
}

/// Tries on while cluster or storage are merely away; anything else ends the process, and its last log line
/// says why.
async fn reach(config: &Config, client: &Client) -> Result<Reached, Fatal> {
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30)).jitter(0.0);
    loop {
        match reach_once(config, client).await {
            Err(e) if e.category().is_retryable() => {
                let pause = backoff.next(0);
                warn!("not there yet, tries again in {pause:?}: {}", chain(&e));
                tokio::time::sleep(pause).await;
            }
            other => return other,
        }
    }
}

async fn reach_once(config: &Config, client: &Client) -> Result<Reached, Fatal> {
    let options = bastion_storage::StoreOptions::default().create_folder(config.create_repository);
    let store = bastion_storage::open(&config.repo, &options).await.map_err(Error::from)?;
    let repo = match Repository::open(store.clone(), OpenOptions::default().write(true)).await {
        Err(Error::NoRepository) if config.create_repository => {
            info!("creates the repository");
            match Repository::init(store.clone(), InitOptions::default()).await {
                // Another replica was faster.
                Err(Error::RepositoryExists { .. }) => {
                    Repository::open(store, OpenOptions::default().write(true)).await?
                }
                made => made?,
            }
        }
        opened => opened?,
    };
    let uid = client.cluster_uid().await?;
    let known = repo.cluster_with_uid(&uid).await?.map(|c| c.name);
    let cluster = match (&config.cluster, known) {
        (Some(asked), Some(known)) if *asked != known => {
            return Err(Fatal::Cluster(format!(
                "this cluster (uid {uid}) is {known:?} in the repository, not {asked:?}; nothing was written"
            )));
        }
        (_, Some(known)) => known,
        (Some(asked), None) => asked.clone(),
        (None, None) => match client.context() {
            Some(context) => context.to_owned(),
            None => return Err(Fatal::Cluster("what is this cluster called? Set `cluster`".to_owned())),
        },
    };
    info!(cluster, uid, "cluster and repository are there");
    Ok(Reached { repo, cluster, uid })
}

fn stop_on_signals() -> Result<CancellationToken, Fatal> {
    let cannot = |source| Fatal::Io { what: "cannot wait for signals".to_owned(), source };
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => info!("SIGTERM: saves what is under way"),
            _ = interrupt.recv() => info!("SIGINT: saves what is under way"),
        }
        told.cancel();
    });
    Ok(stop)
}
