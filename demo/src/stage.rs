//! Where `bastion` runs in front of the person: one repository, one cluster.

use std::{
    cell::Cell,
    path::{Path, PathBuf},
};

use bastion_tests::{Bastion, Process, programs::Output};
use xtask::{Result, screen};

use crate::progress;

pub(crate) struct Stage {
    pub(crate) bastion: Bastion,
    pub(crate) url: String,
    pub(crate) folder: PathBuf,
    /// How much of what the watcher said was shown already.
    heard: Cell<usize>,
}

impl Stage {
    /// A stage for a folder and a kubeconfig; an empty kubeconfig means what kubectl would take.
    pub(crate) fn new(binary: &Path, folder: &Path, kubeconfig: &Path) -> Result<Self> {
        let url = format!("file://{}", folder.display());
        let bastion = Bastion::with_binary(binary, &url, kubeconfig)?;
        Ok(Self { bastion, url, folder: folder.to_owned(), heard: Cell::new(0) })
    }

    /// For a cluster of any size, as far away as it may be.
    pub(crate) fn without_deadline(mut self) -> Self {
        self.bastion = self.bastion.without_deadline();
        self
    }

    /// Runs a command in front of the person; of a long answer only its first and last lines are shown.
    pub(crate) async fn show(&self, args: &[&str], first: usize, last: usize) -> Result<String> {
        self.shown(args, self.bastion.ok(args), first, last).await
    }

    /// The same, and some objects or kinds may fail: what the person may not read, or what is not served.
    pub(crate) async fn show_in_part(&self, args: &[&str], first: usize, last: usize) -> Result<String> {
        self.shown(args, self.bastion.ok_in_part(args), first, last).await
    }

    async fn shown(
        &self,
        args: &[&str],
        run: impl Future<Output = bastion_tests::Result<Output>>,
        first: usize,
        last: usize,
    ) -> Result<String> {
        screen::command(&format!("bastion {}", quoted(args)));
        let output = run.await?;
        screen::quote(output.stderr.trim_end(), first, last);
        screen::quote(output.stdout.trim_end(), first, last);
        Ok(output.stdout)
    }

    /// Starts the watcher in front of the person.
    pub(crate) fn watch(&self) -> Result<Process> {
        screen::command("bastion watch --all &");
        self.heard.set(0);
        Ok(self.bastion.start(&["watch", "--all"])?)
    }

    /// Shows what the watcher has said since.
    pub(crate) fn listen(&self, watcher: &Process, first: usize, last: usize) {
        let log = watcher.log();
        let log = log.get(..log.rfind('\n').map_or(0, |end| end + 1)).unwrap_or_default();
        let fresh = log.get(self.heard.get()..).unwrap_or_default();
        let short: Vec<String> = fresh.lines().map(clip).collect();
        screen::quote(&short.join("\n"), first, last);
        self.heard.set(log.len());
    }

    /// What the repository holds now.
    pub(crate) fn measure(&self) -> (u64, u64) {
        progress::log(&self.folder)
    }

    /// Says what was written since.
    pub(crate) fn report(&self, before: (u64, u64), what: &str) {
        let after = self.measure();
        let commits = after.0.saturating_sub(before.0);
        screen::good(&format!(
            "    {what}: {commits} commit{}, {} written",
            if commits == 1 { "" } else { "s" },
            progress::bytes(after.1.saturating_sub(before.1))
        ));
    }
}

/// A line without its end, where that is far away.
fn clip(line: &str) -> String {
    match line.char_indices().nth(150) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line.to_owned(),
    }
}

/// A command line as it would be typed.
pub(crate) fn quoted(args: &[&str]) -> String {
    let plain = |arg: &str| arg.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,@".contains(c));
    args.iter()
        .map(|arg| if plain(arg) { (*arg).to_owned() } else { format!("'{}'", arg.replace('\'', r"'\''")) })
        .collect::<Vec<_>>()
        .join(" ")
}
