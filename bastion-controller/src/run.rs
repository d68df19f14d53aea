//! Starts the process, leads while it may, stops when it must.

use std::{process::ExitCode, time::Duration};

use bastion_core::{
    Category, Error,
    backoff::Backoff,
    error::chain,
    repository::{InitOptions, OpenOptions, Repository},
};
use bastion_k8s::Client;
use bastion_sdk::process::{Admin, Health, Logging, Process, ProcessError};
use clap::Parser;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{args::Args, config::Config, leader};

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
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error("cannot start threads")]
    Threads(#[source] std::io::Error),
}

impl Fatal {
    fn category(&self) -> Category {
        match self {
            Self::Core(e) => e.category(),
            Self::Kubernetes(e) => e.category(),
            Self::Config(_) | Self::Cluster(_) => Category::Invalid,
            Self::Process(_) | Self::Threads(_) => Category::Other,
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
    let exit = match start(&config) {
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

fn start(config: &Config) -> Result<Exit, Fatal> {
    Logging::service(config.log.filter()?, config.log.format).start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Fatal::Threads)?;
    runtime.block_on(run(config))
}

async fn run(config: &Config) -> Result<Exit, Fatal> {
    let health = Health::default();
    let admin = Admin::new(config.listen).health(&health);
    let process = Process::builder().admin(admin).forced_exit_code(Exit::Partial as i32).start().await?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        listen = %process.admin_address().unwrap_or(config.listen),
        "bastion-controller starts"
    );
    let shutdown = process.shutdown();
    process.run(Box::pin(work(config, &health, &shutdown))).await
}

async fn work(config: &Config, health: &Health, stop: &CancellationToken) -> Result<Exit, Fatal> {
    let client = bastion_k8s::connect(&config.connect_options()).await?;
    let reached = tokio::select! {
        reached = reach(config, &client) => reached?,
        () = stop.cancelled() => return Ok(Exit::Ok),
    };
    health.set_standby();
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
