//! From the arguments to the story.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::Parser;
use xtask::{Result, demo::Options, screen, workspace};

use crate::{own, story};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

/// Runs the demo; Ctrl-C ends it and everything it started.
pub(crate) fn main() -> ExitCode {
    match run(&Cli::parse().options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            screen::error(e.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let folder = folder(options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // Whoever loses is dropped, and with it every server and program that it started.
        tokio::select! {
            // A story that waits for Ctrl-C itself ends well by it.
            biased;
            told = tell(options, &folder) => told,
            _ = tokio::signal::ctrl_c() => {
                screen::line("\nstopping; everything that was started ends with this");
                Err("interrupted".into())
            }
        }
    })
}

async fn tell(options: &Options, folder: &Path) -> Result<()> {
    let (binary, started) = (workspace::program("bastion"), Instant::now());
    match &options.kubeconfig {
        Some(path) => own::tell(&binary, &path.clone().unwrap_or_default(), options.context.as_deref(), folder).await,
        None => story::tell(&binary, options.objects, folder, options.hold, started).await,
    }
}

fn folder(options: &Options) -> Result<PathBuf> {
    if let Some(folder) = &options.folder {
        if folder.exists() {
            return Err(format!("{} exists already; name a folder that does not", folder.display()).into());
        }
        return Ok(std::path::absolute(folder)?);
    }
    let now = jiff::Zoned::now().strftime("%Y-%m-%d-%H%M%S").to_string();
    Ok(std::path::absolute(workspace::target_dir().join("demo").join(now))?)
}
