//! The story, chapter by chapter.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bastion_tests::{Api, ControlPlane, Process, compare, crds::Project, expect::Expected};
use xtask::{Result, screen};

use crate::{cast, progress, stage::Stage};

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
    for (kind, number) in cast::count(&expected) {
        screen::line(&format!("    {number:>5} {kind}"));
    }
    screen::good(&format!("    {} objects created in {}", expected.len(), screen::seconds(at.elapsed())));

    screen::chapter(3, "A repository in a folder, and the continuous backup");
    let stage = Stage::new(binary, folder, &cluster.kubeconfig()?)?;
    screen::command(&format!("export BASTION_REPO={}", stage.url));
    stage.show(&["init"], 5, 0).await?;
    let before = stage.measure();
    let at = Instant::now();
    let mut watcher = stage.watch()?;
    progress::saved(&stage.bastion, &mut watcher, &expected).await?;
    let took = screen::seconds(at.elapsed());
    stage.listen(&watcher, 4, 1);
    stage.report(before, &format!("all {} saved {took} after its start, with everything else", expected.len()));

    changes(&stage, &api, &mut watcher, &mut expected).await?;
    history(&stage).await?;
    crash(&stage, &api, &mut watcher, &mut expected).await?;
    let second = restore(binary, folder, &api).await?;

    screen::chapter(8, "Is every byte of the repository intact?");
    stage.show(&["verify"], 20, 0).await?;
    end(&stage, started);
    if hold {
        screen::line("\nBoth clusters are up, and the first is still watched, until Ctrl-C:");
        screen::line(&format!("    export KUBECONFIG={}    # demo", cluster.kubeconfig()?.display()));
        screen::line(&format!("    export KUBECONFIG={}    # second", second.kubeconfig()?.display()));
        tokio::signal::ctrl_c().await?;
        screen::line("\nboth clusters end with this; the repository stays");
    }
    Ok(())
}

async fn install(api: &Api) -> Result<()> {
    screen::line("    their CRDs, from their Go modules; downloaded the first time, 60 MB in all");
    for project in Project::ALL {
        let at = Instant::now();
        let names = project.install(api).await?;
        let took = screen::seconds(at.elapsed());
        screen::line(&format!("    {:>5} CRDs of {} ({took})", names.len(), project.name()));
    }
    Ok(())
}

async fn changes(stage: &Stage, api: &Api, watcher: &mut Process, expected: &mut Expected) -> Result<()> {
    screen::chapter(4, "Some change, some come, some go, and most just beat");
    let before = stage.measure();
    let at = Instant::now();
    let mut new = cast::change(api, 0..10, "shorter certificates").await?;
    new.extend(cast::add(api, &["checkout", "ledger"]).await?);
    new.extend(cast::delete(api, 0..3).await?);
    let made = at.elapsed();
    progress::saved(&stage.bastion, watcher, &new).await?;
    let took = screen::seconds(at.elapsed().saturating_sub(made));
    stage.report(before, &format!("10 changed, 2 added, 3 deleted; all saved {took} after the last"));
    expected.extend(new);

    let before = stage.measure();
    let certificates = expected.keys().filter(|id| id.1 == "Certificate").count();
    cast::heartbeats(api, 500, certificates).await?;
    // One more change behind the heartbeats: when it is saved, they have been seen.
    let last = cast::change(api, 10..11, "behind the heartbeats").await?;
    progress::saved(&stage.bastion, watcher, &last).await?;
    stage.report(before, "500 heartbeats that change nothing but a status, and 1 change behind them");
    expected.extend(last);
    screen::line("    What the watcher said meanwhile:");
    stage.listen(watcher, 3, 3);
    Ok(())
}

async fn history(stage: &Stage) -> Result<()> {
    screen::chapter(5, "What happened to one of them?");
    let object = ["certificate/web-0003", "-n", "shipping"];
    stage.show(&[&["history"], object.as_slice()].concat(), 12, 0).await?;
    let revisions = stage.bastion.history(&object).await?;
    let numbers = revisions.iter().map(|v| v.revision);
    if let (Some(old), Some(new)) = (numbers.clone().min(), numbers.max()) {
        let (from, to) = (old.to_string(), new.to_string());
        stage.show(&[&["diff"], object.as_slice(), &["--from", &from, "--to", &to]].concat(), 30, 0).await?;
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
    stage.listen(watcher, 5, 1);
    stage.report(before, &format!("all found, the deletions too, and saved {took} after the restart"));
    expected.extend(new);
    // All of it, from the beginning.
    progress::saved(&stage.bastion, watcher, expected).await
}

async fn restore(binary: &Path, folder: &Path, first: &Api) -> Result<ControlPlane> {
    screen::chapter(7, "Everything into a second, empty cluster");
    let second = ControlPlane::start("second").await?;
    let stage = Stage::new(binary, folder, &second.kubeconfig()?)?;
    stage.show(&["restore", "-A", "--dry-run"], 4, 1).await?;
    let at = Instant::now();
    stage.show(&["restore", "-A", "--yes"], 4, 1).await?;
    let took = at.elapsed();
    same(first, &second.api().await?, took).await?;
    screen::line("    Once more, as after a restore that was cut off:");
    stage.show(&["restore", "-A", "--yes"], 0, 1).await?;
    Ok(second)
}

/// Compares the clusters field by field, by a program that shares no code with Bastion.
async fn same(first: &Api, second: &Api, took: Duration) -> Result<()> {
    let mut kinds = compare::custom_resources(first).await?;
    kinds.push(bastion_tests::Resource::new("", "v1", "Namespace", "namespaces", false));
    let should = compare::read(first, &kinds, &[]).await?;
    let is = compare::read(second, &kinds, &[]).await?;
    let differences = compare::differences(&should, &is);
    if differences.is_empty() {
        let crds = should.keys().filter(|id| id.1 == "CustomResourceDefinition").count();
        screen::good(&format!(
            "    restored in {}; {} objects compared field by field, {crds} CRDs among them: both clusters hold the same",
            screen::seconds(took),
            should.len()
        ));
        return Ok(());
    }
    screen::quote(&differences.join("\n"), 20, 0);
    Err(format!("the clusters differ in {} places", differences.len()).into())
}

fn end(stage: &Stage, started: Instant) {
    let (files, bytes) = progress::size(&stage.folder.join("clusters"));
    screen::good(&format!("\nDone in {}.", screen::seconds(started.elapsed())));
    screen::line(&format!("The repository is {} ({files} files, {})", stage.folder.display(), progress::bytes(bytes)));
    screen::line("\nTry next (none of it needs a cluster):");
    let program = xtask::workspace::program("bastion");
    screen::line(&format!("    alias bastion={}", program.display()));
    screen::line(&format!("    export BASTION_REPO={}", stage.url));
    for line in [
        "bastion status",
        "bastion ls certificates -n payments",
        "bastion ls --deleted servicemonitors",
        "bastion show application/checkout -n payments",
        "bastion history certificate/web-0003 -n shipping --patch",
        "bastion restore -n payments --at 1m --dry-run",
    ] {
        screen::line(&format!("    {line}"));
    }
    let tree = stage.folder.join("tree/demo");
    let one = tree.join("cert-manager.io/v1/Certificate/shipping/web-0003/manifest.yaml");
    screen::line(&format!("    cat {}    # every object is plain YAML", one.display()));
    screen::line(&format!("    grep -rl 'shorter certificates' {}", tree.display()));
}
