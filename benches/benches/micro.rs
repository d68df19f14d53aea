//! What one object costs before it reaches the log: parse and sanitize, canonicalise, hash; in bytes per second and
//! allocations. `cargo bench --package bastion-benches`.

#![allow(missing_docs, clippy::unwrap_used)]

use bastion_core::{
    canonical,
    hash::Algorithm,
    manifest::Manifest,
    object::{Kind, Scope},
    sanitize::{Rules, Sanitizer},
};
use divan::{Bencher, counter::BytesCount};

#[global_allocator]
static ALLOCATIONS: divan::AllocProfiler = divan::AllocProfiler::system();

/// Sizes of the bodies, in bytes: a usual object, a large one, the largest that etcd takes.
const SIZES: [usize; 3] = [2 << 10, 20 << 10, 1 << 20];

fn main() {
    divan::main();
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

/// A custom resource of about `size` bytes, as an API server prints it: managedFields and status are a third of it.
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
    serde_json::to_vec(&object).unwrap()
}

#[divan::bench(args = SIZES)]
fn parse_and_sanitize(bencher: Bencher, size: usize) {
    let (json, rules, kind) = (object(size), Rules::backup(), kind());
    bencher.counter(BytesCount::of_slice(&json)).bench_local(|| {
        let mut manifest = Manifest::parse(&json, rules.drops(&kind)).unwrap();
        rules.sanitize(&kind, &mut manifest).unwrap();
        manifest
    });
}

#[divan::bench(args = SIZES)]
fn canonicalise(bencher: Bencher, size: usize) {
    let (json, rules, kind) = (object(size), Rules::backup(), kind());
    let manifest = Manifest::parse(&json, rules.drops(&kind)).unwrap();
    bencher.counter(BytesCount::of_slice(&json)).bench_local(|| canonical::to_bytes(&manifest));
}

#[divan::bench(args = SIZES)]
fn hash_sha256(bencher: Bencher, size: usize) {
    let (bytes, hasher) = (vec![7; size], Algorithm::Sha256.hasher());
    bencher.counter(BytesCount::of_slice(&bytes)).bench_local(|| hasher.digest(&bytes));
}

#[divan::bench(args = SIZES)]
fn hash_blake3(bencher: Bencher, size: usize) {
    let (bytes, hasher) = (vec![7; size], Algorithm::Blake3.hasher());
    bencher.counter(BytesCount::of_slice(&bytes)).bench_local(|| hasher.digest(&bytes));
}
