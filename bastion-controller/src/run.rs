//! From the configuration to a replica that backs up while it leads.

use std::{process::ExitCode, sync::Arc};

use bastion_sdk::{
    CancellationToken, Repo, Result, Session, cluster,
    core::error::chain,
    k8s::Lease,
    process::{Admin, Health, Logging, Process, block_on},
    replica::{Replica, retry_while_unavailable},
};
use clap::Parser;
use tracing::{error, info};

use crate::{args::Args, config::Config, exit::Exit};

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
    let exit = start(&config).unwrap_or_else(|e| {
        let e = e.spelled(&|key| config.written(key));
        error!(category = e.category().as_str(), "try" = config.advice(&e), "stopped: {}", chain(&e));
        Exit::of_error(&e)
    });
    info!(code = exit as u8, "exiting");
    exit.into()
}

#[expect(clippy::print_stderr, reason = "logging is configured by what could not be read")]
fn usage(why: &str) -> ExitCode {
    eprintln!("error: {why}");
    Exit::Usage.into()
}

#[expect(clippy::print_stdout, reason = "that is what was asked for")]
fn print(config: &Config) -> ExitCode {
    match serde_saphyr::to_string(config) {
        Ok(text) => {
            print!("{text}");
            Exit::Ok.into()
        }
        Err(e) => usage(&format!("cannot print the configuration: {e}")),
    }
}

fn start(config: &Config) -> Result<Exit> {
    Logging::service(config.log_filter()?, config.log.format).start()?;
    block_on(run(config))?
}

/// Signals, probes and metrics around the backup.
async fn run(config: &Config) -> Result<Exit> {
    let health = Health::default();
    let admin = Admin::new(config.listen).health(&health);
    let process = Process::builder().admin(admin).forced_exit_code(Exit::Partial as i32).start().await?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        listen = %process.admin_address().unwrap_or(config.listen),
        "starting bastion-controller"
    );
    let shutdown = process.shutdown();
    process.run(Box::pin(back_up(config, health, &shutdown))).await
}

async fn back_up(config: &Config, health: Health, shutdown: &CancellationToken) -> Result<Exit> {
    let (cluster, repository) = (config.cluster_spec(), config.repository_spec());
    let client = cluster::connect(&cluster).await?;
    let connect = async || {
        let repo = Repo::open_to_write(&repository).await?;
        Session::open(Arc::new(client.clone()), cluster.name.as_deref(), repo).await
    };
    let session = tokio::select! {
        session = retry_while_unavailable(connect) => session?,
        () = shutdown.cancelled() => return Ok(Exit::Ok),
    };
    info!(cluster = session.name(), uid = session.uid(), "connected to the cluster and the repository");
    let lease = Lease::new(client, config.lease_options())?;
    let report = Replica::new(session, config.backup_spec(), lease, health).run(shutdown).await?;
    Ok(Exit::of_shutdown(report.as_ref()))
}
