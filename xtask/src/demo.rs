//! `cargo xtask demo`: builds what the demo needs, and starts it. The demo itself is a program of its own, so that
//! this one stays light.

use std::{env, os::unix::process::CommandExt as _, path::PathBuf, process::Command, thread, time::Instant};

use bastion_test_tools::Need;

use crate::{
    Result,
    check::{machine, tools},
    screen,
    workspace::{self, program},
};

/// How to run the demo.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Back up the cluster of this kubeconfig instead of a test cluster, read-only; without a path the one that
    /// kubectl would take
    #[arg(long, value_name = "PATH")]
    #[allow(clippy::option_option, reason = "absent, without a value, with one")]
    pub kubeconfig: Option<Option<PathBuf>>,
    /// Context of that kubeconfig
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    pub context: Option<String>,
    /// Where to write; must not exist yet [default: a new folder in target/demo]
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// How many custom resources to create; at least 100
    #[arg(long, value_name = "COUNT", default_value_t = 2000, conflicts_with = "kubeconfig", value_parser = objects)]
    pub objects: usize,
    /// At the end leave both clusters up until Ctrl-C
    #[arg(long, conflicts_with = "kubeconfig")]
    pub hold: bool,
}

/// Builds the programs and the servers side by side, and runs the demo; Ctrl-C ends it and everything it started.
pub(crate) fn run(options: &Options) -> Result<()> {
    let servers = options.kubeconfig.is_none();
    screen::step(if servers { "bastion and the demo, etcd and Kubernetes" } else { "bastion and the demo" });
    machine::needs(&[Need::Setpriv])?;
    if servers {
        machine::go()?;
    }
    screen::line("    compiled from source the first time, which takes minutes; later it is there");
    thread::scope(|scope| {
        let building = servers.then(|| scope.spawn(|| timed("etcd and Kubernetes", tools::control_plane)));
        let built = timed("bastion and the demo", programs);
        let servers = building
            .map_or(Ok(()), |servers| servers.join().unwrap_or_else(|_| Err("building the servers panicked".into())));
        built.and(servers)
    })?;
    // The same arguments: the program reads them as this one did. It takes this one's place, so that Ctrl-C is its own.
    let error = Command::new(program("bastion-demo")).args(env::args_os().skip(2)).exec();
    Err(format!("cannot run the demo: {error}").into())
}

/// One set of features for whatever is built here, so that nothing is compiled twice.
fn programs() -> Result<()> {
    workspace::cargo(&["build", "--locked", "--workspace", "--bin", "bastion", "--bin", "bastion-demo"], &[])
}

/// Does one of two things that go side by side, and shows its own time.
fn timed(title: &str, work: fn() -> Result<()>) -> Result<()> {
    let started = Instant::now();
    work()?;
    screen::done(title, started.elapsed());
    Ok(())
}

/// The story changes and deletes some dozens of them.
fn objects(text: &str) -> std::result::Result<usize, String> {
    text.parse().ok().filter(|count| *count >= 100).ok_or_else(|| "give a number of at least 100".to_owned())
}
