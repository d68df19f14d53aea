//! Velero on the cluster and the S3 server of a stage: its server runs outside of the cluster, without node agents.

use std::{
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

use bastion_tests::{Context as _, Process, S3Proxy, TestDir, Tool, wait};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::{
    Result,
    cluster::{self, Stage},
    process::{Usage, mebibytes},
    results::{Results, Row},
};

mod install;
mod objects;

use objects::{API, object};

/// How often a backup or restore, and what the server uses, is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long a backup or restore may take before the bench gives up.
const PATIENCE: Duration = Duration::from_mins(20);

/// How many requests a second it may send to the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qps {
    /// As it is shipped: 100.
    Default,
    /// 1,000, and as many at once.
    Thousand,
}

impl Qps {
    /// Both, the slower one first.
    pub const ALL: [Self; 2] = [Self::Default, Self::Thousand];

    /// Its name in measures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Thousand => "1000",
        }
    }

    /// Its name in sentences.
    pub fn words(self) -> &'static str {
        match self {
            Self::Default => "its default QPS",
            Self::Thousand => "1,000 QPS",
        }
    }

    fn args(self) -> &'static [&'static str] {
        match self {
            Self::Default => &[],
            Self::Thousand => &["--client-qps=1000", "--client-burst=1000"],
        }
    }
}

/// A running Velero server. Dropping it ends it.
#[derive(Debug)]
pub struct Velero<'a> {
    stage: &'a Stage,
    proxy: &'a S3Proxy,
    process: Process,
    _dir: TestDir,
}

/// A finished backup or restore.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// From its creation to its end, by the clock on the wall.
    pub seconds: f64,
    /// From its start to its end as Velero stamped it, in whole seconds.
    pub stamped: f64,
    /// CPU time of the server and its plugins, and the most memory that was resident in all of them together.
    pub usage: Usage,
    /// CPU time of the API server.
    pub apiserver_cpu: f64,
    /// Requests to the API server.
    pub api_requests: usize,
    /// Requests to the S3 server.
    pub s3_requests: usize,
    /// Bytes sent to it.
    pub sent: usize,
}

impl<'a> Velero<'a> {
    /// Starts a server that stores by way of the proxy, and waits until it works.
    pub async fn start(stage: &'a Stage, proxy: &'a S3Proxy, qps: Qps) -> Result<Self> {
        let (server, plugin) =
            spawn_blocking(|| Ok::<_, bastion_tests::Error>((Tool::Velero.path()?, Tool::VeleroPluginForAws.path()?)))
                .await??;
        let dir = TestDir::new("velero")?;
        let plugins = dir.path().join("plugins");
        std::fs::create_dir(&plugins)?;
        symlink(plugin, plugins.join("velero-plugin-for-aws"))?;
        install::install(stage, proxy, &server).await?;
        let program = install::program(stage, &server, dir.path(), &plugins)?.args(qps.args().iter().copied());
        let mut velero = Self { stage, proxy, process: program.start()?, _dir: dir };
        velero.until_ready().await?;
        Ok(velero)
    }

    /// Backs up the objects of the stage.
    pub async fn backup(&mut self, name: &str) -> Result<Job> {
        let kinds: Vec<_> = cluster::kinds().map(|kind| format!("{}.{}", kind.plural, kind.group)).collect();
        let spec = json!({"includedResources": kinds, "includedNamespaces": ["*"], "storageLocation": "default",
                          "snapshotVolumes": false});
        self.run("Backup", "itemsBackedUp", name, &spec).await
    }

    /// Restores a backup.
    pub async fn restore(&mut self, name: &str, backup: &str) -> Result<Job> {
        self.run("Restore", "itemsRestored", name, &json!({"backupName": backup, "includedNamespaces": ["*"]})).await
    }

    async fn run(&mut self, kind: &str, counted: &str, name: &str, spec: &Value) -> Result<Job> {
        let (api, folder) = (&self.stage.api, format!("{API}/{}s", kind.to_lowercase()));
        let server = self.process.id().unwrap_or_default();
        let place = self.stage.cluster.audit_end()?;
        let (before, apiserver) = (Usage::of_family(server), self.stage.apiserver_cpu());
        self.proxy.forget();
        let mut usage = Usage::default();
        let started = Instant::now();
        api.create(&folder, &object(kind, name, spec)).await.context("create")?;
        let status = loop {
            self.process.check()?;
            let now = Usage::of_family(server);
            usage.cpu = now.cpu.saturating_sub(before.cpu);
            usage.peak = usage.peak.max(now.resident);
            let status = api.get(&format!("{folder}/{name}")).await.context("status")?["status"].take();
            match status["phase"].as_str().unwrap_or_default() {
                "Completed" => break status,
                failed if failed.contains("Failed") => {
                    let log = self.process.log();
                    let errors: Vec<_> = log.lines().filter(|line| line.contains("level=error")).collect();
                    return Err(format!("{kind} {name}: {status}\n{}", errors.join("\n")).into());
                }
                _ if started.elapsed() > PATIENCE => {
                    return Err(format!("{kind} {name} takes for ever: {status}").into());
                }
                _ => tokio::time::sleep(LOOK).await,
            }
        };
        let seconds = started.elapsed().as_secs_f64();
        let items = status["progress"][counted].as_u64().unwrap_or_default();
        if items < self.stage.objects.objects() {
            return Err(format!("{kind} {name} is of {items} objects").into());
        }
        let exchanges = self.proxy.exchanges();
        let (requests, _) = self.stage.cluster.audit_from(place)?;
        Ok(Job {
            seconds,
            stamped: stamped(&status),
            usage,
            apiserver_cpu: self.stage.apiserver_cpu().saturating_sub(apiserver).as_secs_f64(),
            api_requests: cluster::answered(&requests, "velero"),
            s3_requests: exchanges.len(),
            sent: exchanges.iter().map(|exchange| exchange.sent).sum(),
        })
    }

    /// Waits until it has answered a question, and knows its storage.
    async fn until_ready(&mut self) -> Result<()> {
        let (api, process) = (&self.stage.api, &mut self.process);
        let requests = format!("{API}/serverstatusrequests");
        let name = format!("of-{}", process.id().unwrap_or_default());
        api.create(&requests, &object("ServerStatusRequest", &name, &json!({}))).await.context("question")?;
        let ready = wait::until("Velero to be ready", Duration::from_mins(2), async || {
            if let Err(e) = process.check() {
                return Ok(Some(Err(e)));
            }
            let answer = api.get(&format!("{requests}/{name}")).await.context("answer")?;
            let location = api.get(&format!("{API}/backupstoragelocations/default")).await.context("location")?;
            let ready = answer["status"]["phase"] == "Processed" && location["status"]["phase"] == "Available";
            Ok(ready.then_some(Ok(())))
        });
        Ok(ready.await??)
    }
}

impl Job {
    /// Rows of everything but the time.
    #[allow(clippy::cast_precision_loss)]
    pub fn rows(&self, name: &str, results: &mut Results) {
        // Where Velero's own stamps say something else, they stand beside the clock.
        if (self.seconds - self.stamped).abs() > 1.0 {
            results.add(Row::new(format!("{name}.stamped"), self.stamped, "s"));
        }
        results.add(Row::new(format!("{name}.cpu"), self.usage.cpu.as_secs_f64(), "CPU s"));
        results.add(Row::new(format!("{name}.peak"), mebibytes(self.usage.peak), "MiB"));
        results.add(Row::new(format!("{name}.apiserver-cpu"), self.apiserver_cpu, "CPU s"));
        results.add(Row::new(format!("{name}.api-requests"), self.api_requests as f64, "requests"));
        results.add(Row::new(format!("{name}.s3-requests"), self.s3_requests as f64, "requests"));
        results.add(Row::new(format!("{name}.s3-bytes"), self.sent as f64, "B"));
    }
}

fn stamped(status: &Value) -> f64 {
    let at = |field: &str| status[field].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let (start, end) = (at("startTimestamp"), at("completionTimestamp"));
    start.zip(end).map_or(0.0, |(start, end)| end.duration_since(start).as_secs_f64())
}
