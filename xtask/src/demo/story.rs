//! The story, chapter by chapter.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use bastion_tests::{Api, Bastion, ControlPlane, Process, compare, crds::Project, expect::Expected};

use crate::{
    cli::Result,
    demo::{cast, progress},
    screen,
};

/// Where `bastion` runs: one repository, one cluster.
pub(crate) struct Stage {
    pub(crate) bastion: Bastion,
    pub(crate) url: String,
    pub(crate) folder: PathBuf,
}

impl Stage {
    /// A stage for a folder and a kubeconfig; an empty kubeconfig means what kubectl would take.
    pub(crate) fn new(binary: &Path, folder: &Path, kubeconfig: &Path) -> Result<Self> {
        let url = format!("file://{}", folder.display());
        let bastion = Bastion::with_binary(binary, &url, kubeconfig)?;
        Ok(Self { bastion, url, folder: folder.to_owned() })
    }

    /// Runs a command in front of the person.
    pub(crate) async fn show(&self, args: &[&str], most: usize) -> Result<String> {
        screen::command(&format!("bastion {}", quoted(args)));
        let output = self.bastion.ok(args).await?;
        screen::quote(output.stderr.trim_end(), most);
        screen::quote(output.stdout.trim_end(), most);
        Ok(output.stdout)
    }

    /// Starts the watcher in front of the person.
    fn watch(&self) -> Result<Process> {
        screen::command("bastion watch --all &");
        Ok(self.bastion.start(&["watch", "--all"])?)
    }

    /// What the repository holds now.
    fn measure(&self) -> (u64, u64) {
        progress::log(&self.folder)
    }

    /// Says what was written since.
    fn report(&self, before: (u64, u64), what: &str) {
        let after = self.measure();
        screen::good(&format!(
            "    {what}: {} commits, {} written",
            after.0.saturating_sub(before.0),
            progress::bytes(after.1.saturating_sub(before.1))
        ));
    }
}

/// Tells it.
pub(crate) async fn tell(binary: &Path, count: usize, folder: &Path, hold: bool, started: Instant) -> Result<()> {
    screen::chapter(1, "A real cluster: etcd, kube-apiserver, kube-controller-manager");
    let at = Instant::now();
    let cluster = ControlPlane::start("demo").await?;
    let api = cluster.api().await?;
    screen::line(&format!("    ready after {}", screen::seconds(at.elapsed())));

    screen::chapter(2, "Custom resources of real projects");
    install(&api).await?;
    let at = Instant::now();
    let mut expected = cast::enter(&cluster, &api, count).await?;
    screen::line(&format!("    {} objects created in {}", expected.len(), screen::seconds(at.elapsed())));

    screen::chapter(3, "A repository in a folder, and the continuous backup");
    let stage = Stage::new(binary, folder, &cluster.kubeconfig()?)?;
    screen::command(&format!("export BASTION_REPO={}", stage.url));
    stage.show(&["init"], 5).await?;
    let before = stage.measure();
    let at = Instant::now();
    let mut watcher = stage.watch()?;
    progress::saved(&stage.bastion, &mut watcher, &expected).await?;
    stage.report(before, &format!("{} objects saved after {}", expected.len(), screen::seconds(at.elapsed())));

    changes(&stage, &api, &mut watcher, &mut expected).await?;
    crash(&stage, &api, &mut watcher, &mut expected).await?;

    screen::chapter(7, "Everything into a second, empty cluster");
    let second = ControlPlane::start("second").await?;
    let other = Stage::new(binary, folder, &second.kubeconfig()?)?;
    other.show(&["restore", "--dry-run"], 12).await?;
    let at = Instant::now();
    other.show(&["restore", "--yes"], 30).await?;
    screen::line(&format!("    restored in {}", screen::seconds(at.elapsed())));
    same(&api, &second.api().await?).await?;

    screen::chapter(8, "Is every byte of the repository intact?");
    stage.show(&["verify"], 20).await?;
    end(&stage, started);
    if hold {
        screen::line("\nBoth clusters are up until Ctrl-C:");
        screen::line(&format!("    export KUBECONFIG={}", cluster.kubeconfig()?.display()));
        screen::line(&format!("    export KUBECONFIG={}", second.kubeconfig()?.display()));
        std::future::pending::<()>().await;
    }
    Ok(())
}

async fn install(api: &Api) -> Result<()> {
    for project in Project::ALL {
        let at = Instant::now();
        let names = project.install(api).await?;
        let took = screen::seconds(at.elapsed());
        screen::line(&format!("    {:>2} CRDs of {} ({took})", names.len(), project.name()));
    }
    Ok(())
}

async fn changes(stage: &Stage, api: &Api, watcher: &mut Process, expected: &mut Expected) -> Result<()> {
    screen::chapter(4, "Some change, some come, some go, and most just beat");
    let before = stage.measure();
    let mut new = cast::change(api, 0..10, "shorter certificates").await?;
    new.extend(cast::add(api, &["checkout", "ledger"]).await?);
    new.extend(cast::delete(api, 0..3).await?);
    let at = Instant::now();
    progress::saved(&stage.bastion, watcher, &new).await?;
    stage.report(before, &format!("10 changed, 2 added, 3 deleted, all saved after {}", screen::seconds(at.elapsed())));
    expected.extend(new);

    let before = stage.measure();
    cast::heartbeats(api, 500).await?;
    // One more change behind the heartbeats: when it is saved, they have been seen.
    let last = cast::change(api, 10..11, "behind the heartbeats").await?;
    progress::saved(&stage.bastion, watcher, &last).await?;
    stage.report(before, "500 status heartbeats and 1 change");
    expected.extend(last);

    screen::chapter(5, "What happened to one of them?");
    let object = ["certificate/web-0003", "-n", "shipping"];
    stage.show(&[&["history"], object.as_slice()].concat(), 12).await?;
    let versions = stage.bastion.history(&object).await?;
    if let (Some(new), Some(old)) = (versions.iter().map(|v| v.version).max(), versions.iter().map(|v| v.version).min())
    {
        let (from, to) = (old.to_string(), new.to_string());
        stage.show(&[&["diff"], object.as_slice(), &["--from", &from, "--to", &to]].concat(), 30).await?;
    }
    Ok(())
}

async fn crash(stage: &Stage, api: &Api, watcher: &mut Process, expected: &mut Expected) -> Result<()> {
    screen::chapter(6, "The watcher is killed; the cluster goes on");
    screen::command("kill -9 %1");
    watcher.kill9();
    let mut new = cast::change(api, 20..25, "while nobody watched").await?;
    new.extend(cast::add(api, &["refunds"]).await?);
    new.extend(cast::delete(api, 3..6).await?);
    screen::line("    5 changed, 1 added, 3 deleted while nobody watched");
    let before = stage.measure();
    let at = Instant::now();
    *watcher = stage.watch()?;
    progress::saved(&stage.bastion, watcher, &new).await?;
    let took = screen::seconds(at.elapsed());
    stage.report(before, &format!("found and saved {took} after the restart"));
    expected.extend(new);
    // All of it, from the beginning.
    progress::saved(&stage.bastion, watcher, expected).await
}

async fn same(first: &Api, second: &Api) -> Result<()> {
    let mut kinds = compare::custom_resources(first).await?;
    kinds.push(bastion_tests::Resource::new("", "v1", "Namespace", "namespaces", false));
    let should = compare::read(first, &kinds, &[]).await?;
    let is = compare::read(second, &kinds, &[]).await?;
    let differences = compare::differences(&should, &is);
    if differences.is_empty() {
        let crds = should.keys().filter(|id| id.1 == "CustomResourceDefinition").count();
        screen::good(&format!(
            "    the two clusters hold the same: {} objects compared field by field, {crds} CRDs among them",
            should.len()
        ));
        return Ok(());
    }
    screen::quote(&differences.join("\n"), 20);
    Err(format!("the clusters differ in {} places", differences.len()).into())
}

fn end(stage: &Stage, started: Instant) {
    let (files, bytes) = progress::size(&stage.folder.join("clusters"));
    screen::good(&format!("\nDone in {}.", screen::seconds(started.elapsed())));
    screen::line(&format!("The repository is {} ({files} files, {})", stage.folder.display(), progress::bytes(bytes)));
    screen::line("\nTry next (none of it needs a cluster):");
    let program = crate::check::target_dir().join("debug/bastion");
    screen::line(&format!("    export BASTION_REPO={}", stage.url));
    screen::line(&format!("    alias bastion={}", program.display()));
    for line in [
        "bastion status",
        "bastion ls certificates -n payments",
        "bastion ls --deleted",
        "bastion show application/checkout -n payments",
        "bastion history certificate/web-0003 -n shipping --patch",
    ] {
        screen::line(&format!("    {line}"));
    }
    screen::line(&format!("    less -R {}/tree    # every object as plain YAML", stage.folder.display()));
}

/// A command line as it would be typed.
pub(crate) fn quoted(args: &[&str]) -> String {
    let plain = |arg: &str| arg.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,@".contains(c));
    args.iter()
        .map(|arg| if plain(arg) { (*arg).to_owned() } else { format!("'{}'", arg.replace('\'', r"'\''")) })
        .collect::<Vec<_>>()
        .join(" ")
}
