//! Starting again: with nothing to do, after a kill, from a position that is too old, with few changes.

mod bench;
mod headline;

use std::time::{Duration, Instant};

use bastion_tests::{Context as _, S3Proxy, load};
use http::Request;

use self::bench::{Bench, CHANGED, QUIET, REPOSITORY};
use crate::{
    Options, Result,
    cluster::{self, Stage},
    log::Watched,
    process::mebibytes,
    results::{Results, Row},
    synthetic::{GROUP, KINDS},
    watcher::Watcher,
};

/// How many of them at the same time.
const AT_A_TIME: usize = 8;

/// Measures at one size.
pub fn run(options: &Options, results: &mut Results) -> Result<()> {
    let objects = match (options.quick, options.full) {
        (true, _) => 1_000,
        (false, false) => 10_000,
        (false, true) => 100_000,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(objects, results))
}

async fn measure(objects: u64, results: &mut Results) -> Result<()> {
    let stage = Stage::new(objects).await?;
    let proxy = S3Proxy::start(stage.minio.port()).await?;
    let bastion = stage.in_bucket(REPOSITORY, proxy.port()).await?;
    let bench = Bench { stage: &stage, proxy, bastion, objects };
    let mut watcher = Watcher::start(&bench.bastion)?;
    watcher.until_saved(&stage, REPOSITORY, usize::try_from(objects)?).await?;
    // The allocator gives pages back after ten seconds.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let used = watcher.usage();
    results.add(Row::new(format!("cold.minio.{objects}.steady"), mebibytes(used.resident), "MiB"));
    results.add(Row::new(format!("cold.minio.{objects}.watch-peak"), mebibytes(used.peak), "MiB"));
    watcher.stop().await?;

    let mut watcher = bench.resumed("resumed", results).await?;
    // kill -9, with the last segments in no checkpoint.
    bench.change("before the kill").await?;
    let storage = Watched::begin(&bench.proxy, Duration::ZERO);
    watcher.until_quiet(&storage, QUIET).await?;
    watcher.process.kill9();
    bench.resumed("killed", results).await?.stop().await?;
    bench.expired(results).await?;
    headline::measure(&bench, results).await
}

impl Bench<'_> {
    /// From the start of the process until every kind is watched on from where it was left.
    async fn resumed(&self, name: &str, results: &mut Results) -> Result<Watcher> {
        let place = self.stage.cluster.audit_end()?;
        let mut watcher = Watcher::start(&self.bastion)?;
        let kinds = usize::try_from(KINDS)?;
        let seen = watcher.until_watching(&self.stage.cluster, place, GROUP, kinds).await?;
        let seconds = watcher.started.elapsed().as_secs_f64();
        let lists = cluster::kinds().map(|k| seen.iter().filter(|r| r.is_full_list(&k.plural)).count()).sum::<usize>();
        let prefix = format!("restart.{}", self.objects);
        results.add(Row::new(format!("{prefix}.{name}"), seconds, "s"));
        if name == "resumed" {
            #[allow(clippy::cast_precision_loss)]
            results.add(Row::new(format!("{prefix}.lists"), lists as f64, "lists"));
        } else if lists > 0 {
            return Err(format!("{lists} lists after kill -9").into());
        }
        crate::say(&format!("{name}: {seconds:.2} s, {lists} lists"));
        Ok(watcher)
    }

    /// Changes some objects all over the cluster.
    pub(crate) async fn change(&self, word: &str) -> Result<()> {
        let change = load::content_patch(word);
        let made = self.changed().map(|path| {
            let change = &change;
            async move { Ok(self.stage.api.merge(&path, change).await.map(drop).context("change")?) }
        });
        cluster::each(made, AT_A_TIME).await
    }

    fn changed(&self) -> impl Iterator<Item = String> {
        (0..CHANGED).map(|n| self.stage.path(n * self.objects / CHANGED))
    }

    /// The saved resourceVersion is too old, and something has changed.
    async fn expired(&self, results: &mut Results) -> Result<()> {
        self.change("unseen").await?;
        self.stage.cluster.compact_and_restart().await?;
        let floor = self.metadata().await?;
        let before = crate::log::segments(self.stage, REPOSITORY).await?.len();
        let storage = Watched::begin(&self.proxy, Duration::ZERO);
        let mut watcher = Watcher::start(&self.bastion)?;
        watcher.until_quiet(&storage, QUIET).await?;
        watcher.until_saved(self.stage, REPOSITORY, before + usize::try_from(CHANGED)?).await?;
        let durable = storage.durable(&crate::log::segments(self.stage, REPOSITORY).await?);
        let seconds = durable.map_or(f64::INFINITY, |durable| (durable - watcher.started).as_secs_f64());
        let row = Row::new(format!("restart.{}.expired", self.objects), seconds, "s");
        results.add(row.beside("metadata-only lists and the differences", floor, seconds / floor));
        crate::say(&format!("too old: {seconds:.2} s, bare lists and differences {floor:.2} s"));
        watcher.stop().await
    }

    /// Bare lists of nothing but metadata, of all kinds at the same time; then what differs, as often at a time as
    /// it was changed.
    async fn metadata(&self) -> Result<f64> {
        let accept = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        // Once to warm the server's caches, which began anew.
        let mut seconds = 0.0;
        for _ in 0..2 {
            let (started, client) = (Instant::now(), self.stage.cluster.client().await?);
            let lists = cluster::kinds().map(|kind| {
                let client = client.clone();
                async move {
                    let path = format!("{}?resourceVersion=0", kind.path(None));
                    let request = Request::get(path).header("accept", accept).body(Vec::new())?;
                    let mut body = client.request_stream(request).await?;
                    let mut piece = vec![0; 64 << 10];
                    while futures::AsyncReadExt::read(&mut body, &mut piece).await? > 0 {}
                    Ok(())
                }
            });
            cluster::each(lists, usize::MAX).await?;
            let differences = self.changed().map(|path| {
                let client = client.clone();
                async move {
                    let request = Request::get(path).body(Vec::new())?;
                    Ok(client.request_text(request).await.map(drop)?)
                }
            });
            cluster::each(differences, AT_A_TIME).await?;
            seconds = started.elapsed().as_secs_f64();
        }
        Ok(seconds)
    }
}
