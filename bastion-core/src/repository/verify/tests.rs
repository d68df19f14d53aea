#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use futures::TryStreamExt;

use super::*;
use crate::{
    hash::{Algorithm, Sha256},
    object::{GroupKind, ObjectId},
    repository::format::*,
    runtime::TokioRuntime,
    store::{MemoryStore, PutOptions},
    time::Timestamp,
};

fn prod() -> Common {
    Common { cluster: "prod".into(), ..Common::default() }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + ms)
}

/// One object with that body.
fn contents(name: &str, body: &str) -> Contents {
    let mut block = RawBlock::default();
    let offset = block.push(body.as_bytes()).unwrap();
    let fate = Fate::Put {
        digest: Sha256.digest(body.as_bytes()),
        body: BodyAt { block: 0, offset, len: u32::try_from(body.len()).unwrap() },
        extras: Box::default(),
    };
    let record = Record {
        id: ObjectId::new(&GroupKind::new("", "ConfigMap"), "shop", name),
        version: "v1".into(),
        uid: "".into(),
        resource_version: 7.into(),
        policy: "all".into(),
        fate,
        origin: None,
    };
    Contents { blocks: vec![block.compress().unwrap()], records: vec![record] }
}

async fn put(store: &MemoryStore, key: &Key, bytes: impl Into<Bytes>) {
    store.put(key, bytes.into(), &PutOptions::create()).await.unwrap();
}

/// A repository with a log of three segments (one brings a pack), an index file and two checkpoints of it, all
/// made by hand; the digest of segment 3 beside it.
async fn small() -> (MemoryStore, Digest) {
    let store = MemoryStore::new();
    let config = Config::new("00ff".into(), Algorithm::Sha256, at(0));
    put(&store, &keys::config(), encode_config(&config).unwrap()).await;
    let keys = ClusterKeys::new("prod");

    let header = prod();
    let pack = encode_pack(&header, &contents("packed", r#"{"a":"packed"}"#)).unwrap();
    put(&store, &keys.pack(&pack.digest), pack.bytes.clone()).await;
    let pack_ref = PackRef { name: pack.digest, size: pack.bytes.len() as u64, records: 1, dropped: vec![] };

    let mut previous = Digest::default();
    let mut revisions = Vec::new();
    let mut checkpoint = Checkpoint { common: prod(), ..Checkpoint::default() };
    for number in 1..=3 {
        let header = SegmentHeader {
            common: prod(),
            number,
            incarnation: 1,
            at: at(i64::try_from(number).unwrap()),
            previous,
            packs: if number == 2 { vec![pack_ref.clone()] } else { vec![] },
            ..SegmentHeader::default()
        };
        let sealed = encode_segment(&header, &contents(&format!("own-{number}"), r#"{"a":"own"}"#)).unwrap();
        put(&store, &keys.segment(number), sealed.bytes.clone()).await;
        previous = sealed.digest;
        let segment = decode_segment(&keys.segment(number), &sealed.bytes).unwrap();
        revisions.extend(segment.revisions());
        if number == 2 {
            revisions
                .extend(decode_pack(&keys.pack(&pack.digest), &pack.bytes).unwrap().revisions(segment.origin(), &[]));
        }
        if number == 1 {
            continue;
        }
        // An index file and a checkpoint after the second segment, and again after the third.
        revisions.sort_by(|a, b| a.id.cmp(&b.id));
        let mut writer = IndexWriter::new();
        for revision in &revisions {
            writer.push(Section::Live, revision.clone()).unwrap();
        }
        let header = IndexHeader { common: prod(), first_segment: 1, last_segment: number };
        let (index, reference) = writer.finish(&header).unwrap();
        put(&store, &keys.index(&index.digest), index.bytes).await;
        checkpoint.number = number - 1;
        checkpoint.segment = number;
        checkpoint.segment_digest = previous;
        checkpoint.indexes = vec![reference];
        let sealed = encode_checkpoint(&checkpoint).unwrap();
        put(&store, &keys.checkpoint(checkpoint.number), sealed.bytes.clone()).await;
        checkpoint.parent = Some(sealed.digest);
    }
    put(&store, &Key::parse("tree/prod/position.json").unwrap(), "a view").await;
    (store, previous)
}

async fn verify(store: &MemoryStore, options: &VerifyOptions) -> VerifyReport {
    let verifier = Verifier {
        store: Arc::new(store.clone()),
        runtime: Arc::new(TokioRuntime::new()),
        hasher: Arc::new(Sha256),
        progress: &|_| {},
    };
    verifier.run(options).await.unwrap()
}

async fn files(store: &MemoryStore) -> Vec<Key> {
    let all: Vec<_> = store.list(&Prefix::root(), None).try_collect().await.unwrap();
    all.into_iter().map(|m| m.key).filter(|k| !k.as_str().starts_with("tree/")).collect()
}

#[tokio::test]
async fn a_good_repository_is_clean_and_counted() {
    let (store, head) = small().await;
    let told = AtomicU64::new(0);
    let verifier = Verifier {
        store: Arc::new(store.clone()),
        runtime: Arc::new(TokioRuntime::new()),
        hasher: Arc::new(Sha256),
        progress: &|p| told.store(p.files, Ordering::Relaxed),
    };
    let report = verifier.run(&VerifyOptions::default().expect_head("prod", 3, head)).await.unwrap();
    assert_eq!(report.problems, []);
    assert!(report.is_clean());
    assert_eq!((report.files, report.revisions, report.clusters), (9, 4, 1));
    assert_eq!((report.unreferenced, report.unknown), (0, 0));
    assert_eq!(told.into_inner(), 9);
}

#[tokio::test]
async fn every_flipped_byte_of_every_file_is_named() {
    let (store, _) = small().await;
    let mut flips = 0;
    for key in files(&store).await {
        let good = store.get(&key, None).await.unwrap();
        for i in 0..good.len() {
            let mut bad = good.to_vec();
            bad[i] ^= 0x20;
            store.put(&key, bad.into(), &PutOptions::overwrite()).await.unwrap();
            let report = verify(&store, &VerifyOptions::default()).await;
            let named: Vec<_> = report.problems.iter().map(|p| &p.key).collect();
            assert_eq!(named, [&key], "byte {i}: {:?}", report.problems);
            flips += 1;
        }
        store.put(&key, good, &PutOptions::overwrite()).await.unwrap();
    }
    assert!(flips > 2000, "only {flips} bytes");
    assert!(verify(&store, &VerifyOptions::default()).await.is_clean());
}

#[tokio::test]
async fn every_missing_file_is_named() {
    let (store, _) = small().await;
    let newest = ClusterKeys::new("prod").checkpoint(2);
    for key in files(&store).await {
        let good = store.get(&key, None).await.unwrap();
        store.delete(&key).await.unwrap();
        let report = verify(&store, &VerifyOptions::default()).await;
        if key == newest {
            // Nothing refers to the newest checkpoint, and nothing is lost with it: its index file shows.
            assert_eq!((report.problems.len(), report.unreferenced), (0, 1));
        } else {
            let named: Vec<_> = report.problems.iter().map(|p| &p.key).collect();
            assert_eq!(named, [&key], "{:?}", report.problems);
        }
        put(&store, &key, good).await;
    }
}

#[tokio::test]
async fn a_file_in_another_ones_place_is_named() {
    let (store, _) = small().await;
    let all = files(&store).await;
    for key in &all {
        let good = store.get(key, None).await.unwrap();
        for other in all.iter().filter(|o| *o != key) {
            let wrong = store.get(other, None).await.unwrap();
            store.put(key, wrong, &PutOptions::overwrite()).await.unwrap();
            let report = verify(&store, &VerifyOptions::default()).await;
            assert!(report.problems.iter().any(|p| p.key == *key), "{other} as {key}: {:?}", report.problems);
        }
        store.put(key, good, &PutOptions::overwrite()).await.unwrap();
    }
}

#[tokio::test]
async fn a_log_that_was_cut_off_shows_against_a_head_known_from_elsewhere() {
    let (store, head) = small().await;
    let keys = ClusterKeys::new("prod");
    // Whoever cuts the log cuts what refers to its end as well.
    for key in files(&store).await {
        let bytes = store.get(&key, None).await.unwrap();
        let of_end = [keys.segment(3), keys.checkpoint(2)].contains(&key)
            || decode_index(&key, &bytes).is_ok_and(|i| i.header.last_segment == 3);
        if of_end {
            store.delete(&key).await.unwrap();
        }
    }
    assert!(verify(&store, &VerifyOptions::default()).await.is_clean());
    let report = verify(&store, &VerifyOptions::default().expect_head("prod", 3, head)).await;
    assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
    assert_eq!(report.problems[0].key, keys.segment(3));

    let report = verify(&store, &VerifyOptions::default().expect_head("prod", 2, head)).await;
    assert_eq!(report.problems[0].key, keys.segment(2), "another history: {:?}", report.problems);
    let report = verify(&store, &VerifyOptions::default().expect_head("gone", 5, head)).await;
    assert_eq!(report.problems[0].key, ClusterKeys::new("gone").segment(5));
}

#[tokio::test]
async fn a_body_that_does_not_match_its_record_is_named() {
    let (store, _) = small().await;
    let keys = ClusterKeys::new("prod");
    // The checksums are right: whoever wrote this wrote it wrong.
    let mut wrong = contents("lies", r#"{"a":1}"#);
    if let Fate::Put { digest, .. } = &mut wrong.records[0].fate {
        *digest = Sha256.digest(b"something else");
    }
    let header = prod();
    let pack = encode_pack(&header, &wrong).unwrap();
    put(&store, &keys.pack(&pack.digest), pack.bytes).await;
    let report = verify(&store, &VerifyOptions::default()).await;
    assert_eq!(report.problems.len(), 1);
    insta::assert_snapshot!(report.problems[0].why, @"the content of ConfigMap shop/lies does not match its digest");
}

/// A repository as a writer makes it: packs, several checkpoints, more than one incarnation.
async fn written() -> MemoryStore {
    use crate::repository::{CommitNotes, InitOptions, Repository, WriterOptions};
    let store = MemoryStore::new();
    let repository = Repository::init(Arc::new(store.clone()), InitOptions::default()).await.unwrap();
    let mut writer = repository.writer("prod", WriterOptions::new("uid", "watch").fenced(true)).await.unwrap();
    for round in 0_u64..4 {
        let mut batch = writer.batch();
        for n in 0..if round == 1 { 150 } else { 3 } {
            // Bodies that do not compress.
            let noise: String =
                (0..300).map(|i| Digest::of_file(format!("{round}-{n}-{i}").as_bytes()).to_string()).collect();
            let body = Bytes::from(format!(r#"{{"data":"{noise}"}}"#));
            let what = crate::record::What::Put { digest: Sha256.digest(&body), body, extras: Box::default() };
            let change = crate::record::Change {
                id: ObjectId::new(&GroupKind::new("", "ConfigMap"), "shop", format!("o-{n}")),
                version: "v1".into(),
                uid: "u".into(),
                resource_version: (round * 1000 + n).into(),
                policy: "all".into(),
                what,
            };
            batch.push(change).await.unwrap();
        }
        writer.commit(&mut batch, &CommitNotes::default()).await.unwrap();
        match round {
            1 => writer.checkpoint().await.unwrap(),
            2 => drop(writer.begin_incarnation().await.unwrap()),
            _ => {}
        }
    }
    writer.close().await.unwrap();
    store
}

#[tokio::test]
async fn what_a_writer_wrote_is_clean_and_its_damage_is_named() {
    let store = written().await;
    let report = verify(&store, &VerifyOptions::default()).await;
    assert_eq!(report.problems, []);
    assert_eq!((report.revisions, report.unreferenced, report.unknown), (159, 0, 0));
    let all = files(&store).await;
    assert!(all.iter().any(|k| k.as_str().contains("/packs/")), "{all:?}");
    let newest = ClusterKeys::new("prod").checkpoint(2);
    for key in all {
        let good = store.get(&key, None).await.unwrap();
        for i in (0..good.len()).step_by((good.len() / 13).max(1)) {
            let mut bad = good.to_vec();
            bad[i] ^= 1;
            store.put(&key, bad.into(), &PutOptions::overwrite()).await.unwrap();
            let report = verify(&store, &VerifyOptions::default()).await;
            let named: Vec<_> = report.problems.iter().map(|p| &p.key).collect();
            assert_eq!(named, [&key], "byte {i}: {:?}", report.problems);
        }
        store.delete(&key).await.unwrap();
        let report = verify(&store, &VerifyOptions::default()).await;
        let named: Vec<_> = report.problems.iter().map(|p| &p.key).collect();
        assert_eq!(named, if key == newest { vec![] } else { vec![&key] }, "{:?}", report.problems);
        put(&store, &key, good).await;
    }
}

#[test]
fn the_json_form_of_a_report_is_stable() {
    let mut report = VerifyReport { files: 9, bytes: 4711, revisions: 120, clusters: 1, ..VerifyReport::default() };
    report.problems.push(Problem { key: keys::config(), why: "it is missing".into() });
    insta::assert_snapshot!(serde_json::to_string(&report).unwrap(), @r#"{"files":9,"bytes":4711,"revisions":120,"clusters":1,"unreferenced":0,"unknown":0,"problems":[{"file":"bastion.json","why":"it is missing"}],"unlistedProblems":0}"#);
}
