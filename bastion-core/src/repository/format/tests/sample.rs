//! One small file of each type, the same at every run.

use super::super::{checkpoint::Retention, contents::Origin, envelope::Sealed, *};
use crate::{
    hash::{Algorithm, Digest, Hasher, Sha256},
    object::{GroupKind, ObjectId},
    record::{Acknowledgement, Extras, Position, Withheld},
    source::Proof,
    time::Timestamp,
};

const AT: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const UID: &str = "6f1d2c3b-0a9e-4d5c-8b7a-112233445566";

pub(super) fn config() -> Config {
    Config::new("00112233445566778899aabbccddeeff".into(), Algorithm::Sha256, AT)
}

pub(super) fn contents() -> Contents {
    let kind = GroupKind::new("example.com", "Widget");
    let body = br#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w","namespace":"shop"},"spec":{"size":3}}"#;
    let mut block = RawBlock::default();
    let offset = block.push(body).unwrap();
    let record = |name: &str, rv: u64, fate: Fate| Record {
        id: ObjectId::new(&kind, "shop", name),
        version: "v1".into(),
        uid: "0b0c0d0e-0102-0304-0506-0708090a0b0c".into(),
        resource_version: rv.into(),
        policy: "annotated".into(),
        fate,
        origin: None,
    };
    let extras = Extras {
        created: Some("2026-01-01T00:00:00Z".into()),
        manager: Some("kubectl".into()),
        managed_at: Some("2026-01-01T00:00:01Z".into()),
        unowned: vec!["/spec/clusterIP".into()],
        last_applied: Some("{}".into()),
        status: Some(br#"{"ready":true}"#.as_slice().into()),
    };
    let put = Fate::Put {
        digest: Sha256.digest(body),
        body: BodyAt { block: 0, offset, len: u32::try_from(body.len()).unwrap() },
        extras: Box::new(extras),
    };
    let moved = Origin { segment: 2, at: AT, incarnation: 1 };
    Contents {
        blocks: vec![block.compress().unwrap()],
        records: vec![
            record("w", 41, put),
            record("gone", 42, Fate::Deleted(Proof::Absent)),
            Record { origin: Some(moved), ..record("let-go", 43, Fate::Released) },
        ],
    }
}

pub(super) fn segment_header() -> SegmentHeader {
    let kind = GroupKind::new("example.com", "Widget");
    SegmentHeader {
        common: Common { retain_until: Some(AT), ..pack_header() },
        number: 3,
        role: "controller".into(),
        epoch: 4,
        incarnation: 1,
        at: AT,
        previous: Sha256.digest(b"segment 2"),
        positions: vec![Position {
            policy: "annotated".into(),
            kind: kind.clone(),
            resource_version: 43.into(),
            fingerprint: "f".into(),
        }],
        withheld: vec![Withheld {
            kind: kind.clone(),
            policy: "annotated".into(),
            count: 7,
            of: 9,
            since: AT,
            examples: vec!["shop/a".into()],
        }],
        accepted: vec![Acknowledgement { kind, policy: "annotated".into(), since: AT, by: "anna".into() }],
        packs: vec![PackRef { name: Sha256.digest(b"pack"), size: 1000, records: 10, dropped: vec![2, 5] }],
    }
}

pub(super) fn pack_header() -> Common {
    Common { cluster: "prod".into(), cluster_uid: UID.into(), writer: "w-1".into(), ..Common::default() }
}

pub(super) fn index_header() -> IndexHeader {
    IndexHeader { common: pack_header(), first_segment: 1, last_segment: 3 }
}

pub(super) fn index() -> (Sealed, IndexRef) {
    let sealed = encode_segment(&segment_header(), &contents()).unwrap();
    let segment = decode_segment(&crate::store::Key::parse("x").unwrap(), &sealed.bytes).unwrap();
    let mut revisions: Vec<_> = segment.revisions().collect();
    revisions.sort_by(|a, b| a.id.cmp(&b.id));
    let mut writer = IndexWriter::new();
    for v in &revisions {
        writer.push(Section::Live, v.clone()).unwrap();
    }
    writer.push(Section::Past, revisions[2].clone()).unwrap();
    writer.finish(&index_header()).unwrap()
}

pub(super) fn checkpoint() -> Checkpoint {
    let header = segment_header();
    Checkpoint {
        common: pack_header(),
        number: 2,
        parent: Some(Sha256.digest(b"checkpoint 1")),
        at: AT,
        segment: 3,
        segment_digest: Sha256.digest(b"segment 3"),
        segment_at: AT,
        incarnation: 1,
        epochs: [("controller".into(), 4)].into(),
        positions: header.positions,
        withheld: header.withheld,
        accepted: header.accepted,
        indexes: vec![index().1],
        packs: vec![PackLive { name: Digest::of_file(b"pack"), size: 1000, raw: 5000, live: 4000 }],
        segments: vec![SegmentRun { first: 1, last: 3, size: 900, raw: 300, live: 100 }],
        retention: Some(Retention { policy: "keep-last 5".into(), at: AT, dropped: 2 }),
    }
}

/// The bytes of one of each, with its name.
pub(super) fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("segment", encode_segment(&segment_header(), &contents()).unwrap().bytes.to_vec()),
        ("pack", encode_pack(&pack_header(), &contents()).unwrap().bytes.to_vec()),
        ("index", index().0.bytes.to_vec()),
        ("checkpoint", encode_checkpoint(&checkpoint()).unwrap().bytes.to_vec()),
        ("bastion.json", encode_config(&config()).unwrap()),
    ]
}

/// Reads a file of that name whole, bodies and blocks included.
pub(super) fn decode(what: &str, key: &crate::store::Key, bytes: &[u8]) -> crate::Result<()> {
    match what {
        "segment" => decode_segment(key, bytes).map(drop),
        "pack" => decode_pack(key, bytes).map(drop),
        "index" => decode_index(key, bytes).map(drop),
        "checkpoint" => decode_checkpoint(key, bytes).map(drop),
        _ => decode_config(key, bytes).map(drop),
    }
}
