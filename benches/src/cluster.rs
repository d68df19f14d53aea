//! A real cluster with many custom resources, and `bastion` as it is shipped.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use bastion_core::store::Store;
use bastion_storage::S3Credentials;
use bastion_tests::{
    Api, Bastion, Context as _, ControlPlane, ControlPlaneOptions, Process, Resource,
    control_plane::Audited,
    crds,
    minio::{ACCESS_KEY, Minio, SECRET_KEY, repo_url},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use crate::{
    Result,
    process::Usage,
    synthetic::{GROUP, KINDS, NAMESPACES, Revision, Synthetic},
};

/// How many requests create objects at the same time.
const LOADERS: usize = 16;
/// How often what a process uses is looked at: its last moments are missed.
const SAMPLE: Duration = Duration::from_millis(5);

/// A cluster, an S3 server with a bucket, and objects.
#[derive(Debug)]
pub struct Stage {
    /// The cluster.
    pub cluster: ControlPlane,
    /// An administrator's client.
    pub api: Api,
    /// The S3 server; its bucket is `bench`.
    pub minio: Minio,
    /// What the objects are written from.
    pub objects: Synthetic,
    /// Where to back up to.
    pub folder: tempfile::TempDir,
}

/// A finished run of a program.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// From its start to its end.
    pub seconds: f64,
    /// What it used.
    pub usage: Usage,
}

impl Stage {
    /// Starts servers and creates that many objects in five kinds and fifty namespaces.
    pub async fn new(objects: u64) -> Result<Self> {
        let args = ["--max-requests-inflight=3000", "--max-mutating-requests-inflight=1000"].map(str::to_owned);
        let options =
            ControlPlaneOptions { name: "bench".to_owned(), apiserver_args: args.into(), ..Default::default() };
        let (cluster, minio) = tokio::join!(ControlPlane::start_with(&options), Minio::start());
        let (cluster, minio) = (cluster?, minio?);
        minio.bucket("bench").await?;
        let api = cluster.api().await?;
        for kind in kinds() {
            crds::define(&api, &kind, "Namespaced").await?;
        }
        for n in 0..NAMESPACES {
            cluster.namespace(&format!("team-{n:02}")).await?;
        }
        let stage = Self { cluster, api, minio, objects: Synthetic::new(objects), folder: tempfile::tempdir()? };
        let started = Instant::now();
        stage.create(0..objects, LOADERS).await?;
        crate::say(&format!("{objects} objects created in {:.1} s", started.elapsed().as_secs_f64()));
        Ok(stage)
    }

    /// Creates objects, so many at a time.
    pub async fn create(&self, numbers: std::ops::Range<u64>, at_a_time: usize) -> Result<()> {
        let kinds: Vec<Resource> = kinds().collect();
        let made = stream::iter(numbers.map(Ok::<_, bastion_tests::Error>)).try_for_each_concurrent(at_a_time, |n| {
            let kind = &kinds[usize::try_from(n % KINDS).unwrap_or_default()];
            async move {
                let object = self.manifest(n)?;
                let path = kind.path(object["metadata"]["namespace"].as_str());
                self.api.create(&path, &object).await.context("create").map(drop)
            }
        });
        Ok(made.await?)
    }

    /// An object as a person writes it.
    pub fn manifest(&self, n: u64) -> bastion_tests::Result<Value> {
        let observed = self.objects.object(n, n + 1, Revision::default());
        let mut object: Value = serde_json::from_slice(&observed.body).context("object")?;
        if let Some(metadata) = object["metadata"].as_object_mut() {
            for field in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"] {
                metadata.remove(field);
            }
        }
        Ok(object)
    }

    /// Path of an object.
    pub fn path(&self, n: u64) -> String {
        let observed = self.objects.object(n, n + 1, Revision::default());
        let kind = kinds().nth(usize::try_from(n % KINDS).unwrap_or_default());
        kind.map_or_else(String::new, |kind| kind.object(Some(&observed.id.namespace), &observed.id.name))
    }

    /// `bastion` and a new repository in a folder.
    pub async fn in_folder(&self, name: &str) -> Result<Bastion> {
        self.fresh(&self.folder.path().join(name).display().to_string()).await
    }

    /// `bastion` and a new repository in the bucket, by way of that port.
    pub async fn in_bucket(&self, name: &str, port: u16) -> Result<Bastion> {
        self.fresh(&repo_url("bench", name, port)).await
    }

    /// What lies in the bucket under that name, not by way of a proxy.
    pub async fn store(&self, name: &str) -> Result<Arc<dyn Store>> {
        let key = S3Credentials::new(ACCESS_KEY, SECRET_KEY, None);
        let options = bastion_storage::StoreOptions::default().credentials(key);
        Ok(bastion_storage::open(&repo_url("bench", name, self.minio.port()), &options).await?)
    }

    async fn fresh(&self, url: &str) -> Result<Bastion> {
        let bastion = Bastion::new(url, &self.cluster.kubeconfig()?).await?;
        bastion.ok(&["init"]).await?;
        Ok(bastion)
    }

    /// CPU time of the API server so far.
    pub fn apiserver_cpu(&self) -> Duration {
        Usage::of(self.cluster.apiserver_id()).cpu
    }

    /// Requests to the API server so far by `bastion` (or whoever calls himself so).
    pub fn requests(&self, agent: &str) -> Result<Vec<Audited>> {
        let mut all = self.cluster.audit()?;
        all.retain(|request| request.agent.starts_with(agent));
        Ok(all)
    }

    /// Kubeconfig of an administrator.
    pub fn kubeconfig(&self) -> Result<PathBuf> {
        Ok(self.cluster.kubeconfig()?)
    }
}

/// How many requests of somebody are answered whole; a watch counts once, when it has ended.
pub fn answered(requests: &[Audited], agent: &str) -> usize {
    requests.iter().filter(|r| r.agent.starts_with(agent) && r.stage == "ResponseComplete").count()
}

/// The kinds of the objects.
pub fn kinds() -> impl Iterator<Item = Resource> {
    (0..KINDS).map(|n| Resource::new(GROUP, "v1", &format!("Widget{n}"), &format!("widget{n}s"), true))
}

/// The selection of all of them, for the command line.
pub fn selection() -> String {
    kinds().map(|kind| format!("{}.{}", kind.plural, kind.group)).collect::<Vec<_>>().join(",")
}

/// Runs a command of `bastion` to its end and watches what it uses.
pub async fn timed(bastion: &Bastion, args: &[&str]) -> Result<Run> {
    let started = Instant::now();
    let mut process = bastion.start(args)?;
    let usage = ended(&mut process, Duration::MAX).await?;
    Ok(Run { seconds: started.elapsed().as_secs_f64(), usage })
}

/// Waits until a process has ended well, and tells what it has used in all.
pub async fn ended(process: &mut Process, patience: Duration) -> Result<Usage> {
    let (started, mut usage) = (Instant::now(), Usage::of(process.id()));
    while process.is_running() {
        let now = Usage::of(process.id());
        // Once it has ended there is nothing to see.
        if now.peak > 0 {
            usage = now;
        }
        if started.elapsed() > patience {
            return Err(format!("it does not end: {}", process.log_tail(20)).into());
        }
        tokio::time::sleep(SAMPLE).await;
    }
    succeeded(process)?;
    Ok(usage)
}

/// An error unless it ended well.
fn succeeded(process: &mut Process) -> Result<()> {
    match process.status() {
        Some(status) if status.success() => Ok(()),
        status => Err(format!("bastion ended with {status:?}: {}", process.log_tail(20)).into()),
    }
}

/// Many futures, a few at a time, until one fails.
pub async fn each<F: Future<Output = Result<()>>>(work: impl Iterator<Item = F>, at_a_time: usize) -> Result<()> {
    stream::iter(work).buffer_unordered(at_a_time).try_collect().await
}
