//! `cargo xtask demo`: Bastion at work, on a real cluster.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use crate::{
    check::{self, tools},
    cli::Result,
    screen,
};

mod cast;
mod own;
mod progress;
mod stage;
mod story;

/// How to run the demo.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Back up the cluster of this kubeconfig instead of a test cluster, read-only; without a path the one that
    /// kubectl would take
    #[arg(long, value_name = "PATH")]
    #[allow(clippy::option_option, reason = "absent, without a value, with one")]
    kubeconfig: Option<Option<PathBuf>>,
    /// Context of that kubeconfig
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    context: Option<String>,
    /// Where to write; must not exist yet [default: a new folder in target/demo]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// How many custom resources to create; at least 100
    #[arg(long, value_name = "COUNT", default_value_t = 2000, conflicts_with = "kubeconfig", value_parser = objects)]
    objects: usize,
    /// At the end leave both clusters up until Ctrl-C
    #[arg(long, conflicts_with = "kubeconfig")]
    hold: bool,
}

/// Runs the demo; Ctrl-C ends it and everything it started.
pub(crate) fn run(options: &Options) -> Result<()> {
    check::machine::check(options.kubeconfig.is_none())?;
    let started = Instant::now();
    screen::step("building bastion");
    check::cargo(&["build", "--locked", "--package", "bastion-cli"], &[])?;
    if options.kubeconfig.is_none() {
        screen::step("the servers of the test cluster");
        tools::control_plane()?;
    }
    let folder = folder(options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // Whoever loses is dropped, and with it every server and program that it started.
        tokio::select! {
            // A story that waits for Ctrl-C itself ends well by it.
            biased;
            told = tell(options, &folder, started) => told,
            _ = tokio::signal::ctrl_c() => {
                screen::line("\nstopping; everything that was started ends with this");
                Err("interrupted".into())
            }
        }
    })
}

async fn tell(options: &Options, folder: &Path, started: Instant) -> Result<()> {
    let binary = check::target_dir().join("debug/bastion");
    match &options.kubeconfig {
        Some(path) => own::tell(&binary, &path.clone().unwrap_or_default(), options.context.as_deref(), folder).await,
        None => story::tell(&binary, options.objects, folder, options.hold, started).await,
    }
}

/// The story changes and deletes some dozens of them.
fn objects(text: &str) -> std::result::Result<usize, String> {
    text.parse().ok().filter(|count| *count >= 100).ok_or_else(|| "give a number of at least 100".to_owned())
}

fn folder(options: &Options) -> Result<PathBuf> {
    if let Some(folder) = &options.folder {
        if folder.exists() {
            return Err(format!("{} exists already; name a folder that does not", folder.display()).into());
        }
        return Ok(std::path::absolute(folder)?);
    }
    let now = jiff::Zoned::now().strftime("%Y-%m-%d-%H%M%S").to_string();
    Ok(std::path::absolute(check::target_dir().join("demo").join(now))?)
}
