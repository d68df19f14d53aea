//! What is done with one object, step by step.

use std::{env, hint::black_box, process::Command, sync::Arc, time::Duration};

use bastion_core::{
    canonical,
    error::Result as CoreResult,
    hash::Hasher,
    manifest::Manifest,
    object::{Kind, ObjectId, Scope},
    prelude::*,
    record::{Change, Revision, What},
    repository::{Batch, CommitNotes, Index, ObjectFilter, Snapshot, Writer},
    sanitize::{Rules, Sanitizer},
    store::MemoryStore,
};
use bytes::Bytes;
use futures::TryStreamExt as _;

use crate::{
    Options, Result,
    results::{Results, Row},
};

mod instructions;

/// Sizes of objects as an API server prints them: a usual one, a large one, the largest that etcd takes.
pub const SIZES: [usize; 3] = [2 << 10, 20 << 10, 1 << 20];

/// Runs `bastion-micro`, whose allocator counts.
pub fn run(options: &Options, results: &mut Results) -> Result<()> {
    let program = env::current_exe()?.with_file_name("bastion-micro");
    let time = if options.quick { "50" } else { "1000" };
    let output = Command::new(&program).arg(time).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let rows: Vec<Row> = serde_json::from_slice(&output.stdout)?;
    for row in rows {
        results.add(row);
    }
    instructions::count(&program, &STEPS, results)
}

/// Objects of a size, in every form that they take on their way through Bastion.
#[derive(Debug)]
pub struct Bodies {
    /// Size of one, as the API server prints it.
    pub size: usize,
    kind: Kind,
    rules: Rules,
    hasher: Arc<dyn Hasher>,
    json: Vec<u8>,
    manifest: Manifest,
    canonical: Bytes,
    writer: Writer,
    snapshot: Snapshot,
    revisions: Vec<Revision>,
    cached: Arc<Index>,
    ids: Vec<ObjectId>,
}

/// The steps.
pub const STEPS: [&str; 6] = ["parse-and-sanitize", "canonicalise", "hash", "encode", "decode", "look-up"];

impl Bodies {
    /// A repository in memory with some objects of that size.
    pub async fn new(size: usize) -> Result<Self> {
        let (kind, rules, json) = (kind(), Rules::backup(), object(size));
        let mut manifest = Manifest::parse(&json, rules.drops(&kind))?;
        rules.sanitize(&kind, &mut manifest)?;
        let canonical = Bytes::from(canonical::to_bytes(&manifest));
        let repository = Repository::init(Arc::new(MemoryStore::new()), InitOptions::default()).await?;
        let mut writer = repository.writer("bench", WriterOptions::new("bench", "watch")).await?;
        let hasher = repository.hasher();
        // So many that no single block holds them all.
        let ids: Vec<_> = (0..(4 << 20) / size).map(|n| id(&kind, n)).collect();
        let mut batch = writer.batch();
        for id in &ids {
            batch.push(change(id, &canonical, hasher.as_ref())).await?;
        }
        writer.commit(&mut batch, &CommitNotes::default()).await?;
        let snapshot = repository.snapshot("bench").await?;
        let revisions = snapshot.objects(ObjectFilter::default()).try_collect().await?;
        let cached = writer.index();
        Ok(Self { size, kind, rules, hasher, json, manifest, canonical, writer, snapshot, revisions, cached, ids })
    }

    /// Does a step with so many objects as its result says.
    pub async fn step(&self, step: &str) -> Result<usize> {
        match step {
            "parse-and-sanitize" => {
                let mut manifest = Manifest::parse(&self.json, self.rules.drops(&self.kind))?;
                black_box(self.rules.sanitize(&self.kind, &mut manifest)?);
                black_box(manifest);
            }
            "canonicalise" => drop(black_box(canonical::to_bytes(&self.manifest))),
            "hash" => _ = black_box(self.hasher.digest(&self.canonical)),
            "encode" => {
                let mut batch = self.writer.batch();
                let digest = self.hasher.digest(&self.canonical);
                for id in &self.ids {
                    self.encode(&mut batch, id, digest).await?;
                }
                black_box(batch);
                return Ok(self.ids.len());
            }
            "decode" => {
                for revision in &self.revisions {
                    black_box(self.snapshot.body(revision).await?);
                }
                return Ok(self.revisions.len());
            }
            "look-up" => {
                for id in &self.ids {
                    black_box(self.cached.newest(id).await?);
                }
                return Ok(self.ids.len());
            }
            other => return Err(format!("no step {other}").into()),
        }
        Ok(1)
    }

    async fn encode(&self, batch: &mut Batch, id: &ObjectId, digest: bastion_core::hash::Digest) -> CoreResult<()> {
        let what = What::Put { digest, body: self.canonical.clone(), extras: Box::default() };
        batch.push(with(id, what)).await
    }
}

fn change(id: &ObjectId, canonical: &Bytes, hasher: &dyn Hasher) -> Change {
    let digest = hasher.digest(canonical);
    with(id, What::Put { digest, body: canonical.clone(), extras: Box::default() })
}

fn with(id: &ObjectId, what: What) -> Change {
    Change::new(id.clone(), "v1", 123.into(), what).uid("5f2c0000-0000-4000-8000-000000000000").policy("all")
}

fn id(kind: &Kind, n: usize) -> ObjectId {
    ObjectId::new(&kind.group_kind(), format!("team-{:02}", n % 50), format!("widget-{n:07}"))
}

fn kind() -> Kind {
    Kind {
        group: "bench.bastion.dev".into(),
        version: "v1".into(),
        kind: "Widget".into(),
        plural: "widgets".into(),
        scope: Scope::Namespaced,
    }
}

/// A custom resource of about that size; `managedFields` and status are a third of it.
fn object(size: usize) -> Vec<u8> {
    let items = |n: usize| -> serde_json::Value {
        (0..n)
            .map(|i| serde_json::json!({"name": format!("item-{i:05}"), "replicas": i, "ratio": 0.25, "on": true}))
            .collect()
    };
    let n = size / 120;
    let object = serde_json::json!({
        "apiVersion": "bench.bastion.dev/v1", "kind": "Widget",
        "metadata": {
            "name": "widget-1", "namespace": "default", "uid": "5f2c", "resourceVersion": "123", "generation": 3,
            "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"app": "web", "tier": "front"},
            "managedFields": [{"manager": "kubectl", "operation": "Apply", "time": "2026-01-01T00:00:00Z",
                "fieldsV1": {"f:spec": items(n / 3)}}],
        },
        "spec": {"items": items(n)},
        "status": {"conditions": items(n / 3)},
    });
    object.to_string().into_bytes()
}

/// Does a step again and again for that long; gives the nanoseconds an object of each round.
#[allow(clippy::cast_precision_loss)]
pub async fn repeat(bodies: &Bodies, step: &str, time: Duration) -> Result<Vec<f64>> {
    let (mut rounds, started) = (Vec::new(), std::time::Instant::now());
    while rounds.len() < 5 || started.elapsed() < time {
        let round = std::time::Instant::now();
        let mut objects = 0;
        // A clock's tick is long beside the quickest steps.
        while objects < 100 && round.elapsed() < Duration::from_millis(5) {
            objects += bodies.step(step).await?;
        }
        rounds.push(round.elapsed().as_nanos() as f64 / objects as f64);
    }
    Ok(rounds)
}
