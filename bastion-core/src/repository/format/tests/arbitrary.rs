//! Strategies for everything that is stored.

use std::sync::Arc;

use proptest::{collection::vec, option, prelude::*};

use super::super::{checkpoint::Retention, contents::Origin, *};
use crate::{
    hash::{Digest, Hasher, Sha256},
    object::{GroupKind, ObjectId, ResourceVersion},
    record::{Acknowledgement, BodyFile, Extras, Order, Place, Position, Revision, RevisionState, Withheld},
    source::Proof,
    time::Timestamp,
};

pub(super) fn text() -> impl Strategy<Value = Arc<str>> {
    "\\PC{0,12}".prop_map(Into::into)
}

fn name() -> impl Strategy<Value = Arc<str>> {
    prop_oneof!["[a-c]{1,2}", "\\PC{1,40}"].prop_map(|s: String| s.into())
}

pub(super) fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::new)
}

pub(super) fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_millis)
}

fn features() -> Just<Vec<String>> {
    Just(KNOWN_FEATURES.iter().map(ToString::to_string).collect())
}

fn kind() -> impl Strategy<Value = GroupKind> {
    (text(), name()).prop_map(|(g, k)| GroupKind::new(g, k))
}

pub(super) fn id() -> impl Strategy<Value = ObjectId> {
    let kind = prop_oneof![Just(GroupKind::new("", "ConfigMap")), Just(GroupKind::new("apps", "Deployment")), kind()];
    (kind, prop_oneof![Just("".into()), name()], name()).prop_map(|(k, ns, n)| ObjectId::new(&k, ns, n))
}

fn resource_version() -> impl Strategy<Value = ResourceVersion> {
    prop_oneof![
        any::<u64>().prop_map(ResourceVersion::from),
        "0{0,2}[0-9]{0,3}".prop_map(ResourceVersion::new),
        Just(ResourceVersion::from(u64::MAX)),
        text().prop_map(ResourceVersion::new),
    ]
}

fn uid() -> impl Strategy<Value = Arc<str>> {
    let hex = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    let odd = "[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}|[+0-9-]{36}|f{8}-f{4}-f{4}-f{4}-f{12}";
    prop_oneof![hex.prop_map(Into::into), odd.prop_map(Into::into), text()]
}

pub(super) fn positions() -> impl Strategy<Value = Vec<Position>> {
    let position = (text(), kind(), resource_version(), text()).prop_map(|(policy, kind, rv, fingerprint)| Position {
        policy,
        kind,
        resource_version: rv,
        fingerprint,
    });
    vec(position, 0..4)
}

pub(super) fn withheld() -> impl Strategy<Value = Vec<Withheld>> {
    let one = (kind(), text(), any::<(u64, u64)>(), timestamp(), vec(text(), 0..3));
    vec(
        one.prop_map(|(kind, policy, (count, of), since, examples)| Withheld {
            kind,
            policy,
            count,
            of,
            since,
            examples,
        }),
        0..3,
    )
}

pub(super) fn accepted() -> impl Strategy<Value = Vec<Acknowledgement>> {
    let one = (kind(), text(), timestamp(), text());
    vec(one.prop_map(|(kind, policy, since, by)| Acknowledgement { kind, policy, since, by }), 0..3)
}

fn extras() -> impl Strategy<Value = Extras> {
    let texts = (option::of(text()), option::of(text()), option::of(text()), option::of(text()));
    (texts, vec(text(), 0..3), option::of(vec(any::<u8>(), 0..9))).prop_map(|(t, unowned, status)| Extras {
        created: t.0,
        manager: t.1,
        managed_at: t.2,
        unowned,
        last_applied: t.3,
        status: status.map(Into::into),
    })
}

fn origin() -> impl Strategy<Value = Origin> {
    (any::<u64>(), timestamp(), any::<u32>()).prop_map(|(segment, at, incarnation)| Origin { segment, at, incarnation })
}

/// A record, with the body of it where it is a put.
fn record() -> impl Strategy<Value = (Record, Vec<u8>)> {
    let fate = prop_oneof![
        4 => (vec(any::<u8>(), 0..300), extras()).prop_map(|(body, extras)| {
            let digest = Sha256.digest(&body);
            (Fate::Put { digest, body: BodyAt::default(), extras: Box::new(extras) }, body)
        }),
        1 => prop_oneof![
            Just(Proof::Watched),
            Just(Proof::LeftSelection),
            Just(Proof::Absent),
            Just(Proof::NotFound)
        ]
        .prop_map(|proof| (Fate::Deleted(proof), Vec::new())),
        1 => Just((Fate::Released, Vec::new())),
    ];
    (id(), text(), uid(), resource_version(), text(), fate, option::of(origin())).prop_map(
        |(id, version, uid, resource_version, policy, (fate, body), origin)| {
            (Record { id, version, uid, resource_version, policy, fate, origin }, body)
        },
    )
}

/// Records with their bodies in blocks of a few hundred bytes, and the bodies.
pub(super) fn contents() -> impl Strategy<Value = (Contents, Vec<Vec<u8>>)> {
    vec(record(), 0..12).prop_map(|list| {
        let mut contents = Contents::default();
        let mut bodies = Vec::new();
        let mut open = RawBlock::default();
        for (mut record, bytes) in list {
            if let Fate::Put { body, .. } = &mut record.fate {
                let block = u32::try_from(contents.blocks.len()).unwrap();
                let offset = open.push(&bytes).unwrap();
                *body = BodyAt { block, offset, len: u32::try_from(bytes.len()).unwrap() };
                bodies.push(bytes);
                if open.len() > 400 {
                    contents.blocks.push(std::mem::take(&mut open).compress().unwrap());
                }
            }
            contents.records.push(record);
        }
        contents.blocks.push(open.compress().unwrap());
        (contents, bodies)
    })
}

fn pack_refs() -> impl Strategy<Value = Vec<PackRef>> {
    let dropped = proptest::collection::btree_set(0..100_u32, 0..5);
    let one = (digest(), any::<u64>(), 100..u32::MAX, dropped);
    vec(
        one.prop_map(|(name, size, records, dropped)| PackRef {
            name,
            size,
            records,
            dropped: dropped.into_iter().collect(),
        }),
        0..4,
    )
}

pub(super) fn segment_header() -> impl Strategy<Value = SegmentHeader> {
    let who = (pack_header(), text());
    let numbers = (1..u64::MAX, any::<u64>(), any::<u32>());
    let notes = (positions(), withheld(), accepted());
    let rest = (timestamp(), digest(), pack_refs());
    (who, numbers, notes, rest).prop_map(|(who, numbers, notes, rest)| SegmentHeader {
        common: who.0,
        role: who.1,
        number: numbers.0,
        epoch: numbers.1,
        incarnation: numbers.2,
        positions: notes.0,
        withheld: notes.1,
        accepted: notes.2,
        at: rest.0,
        previous: rest.1,
        packs: rest.2,
    })
}

pub(super) fn pack_header() -> impl Strategy<Value = Common> {
    (text(), text(), text(), features(), option::of(timestamp())).prop_map(
        |(cluster, cluster_uid, writer, features, retain_until)| Common {
            cluster,
            cluster_uid,
            writer,
            features,
            retain_until,
        },
    )
}

pub(super) fn index_header() -> impl Strategy<Value = IndexHeader> {
    (pack_header(), any::<u64>(), any::<u64>()).prop_map(|(common, first_segment, last_segment)| IndexHeader {
        common,
        first_segment,
        last_segment,
    })
}

fn place() -> impl Strategy<Value = Place> {
    let file = prop_oneof![
        any::<u64>().prop_map(BodyFile::Segment),
        digest().prop_map(BodyFile::Pack),
        Just(BodyFile::Segment(7))
    ];
    (file, any::<u64>(), any::<[u32; 4]>()).prop_map(|(file, block_start, [block_len, block_raw, offset, len])| Place {
        file,
        block_start,
        block_len,
        block_raw,
        offset,
        len,
    })
}

pub(super) fn revision() -> impl Strategy<Value = Revision> {
    let what = prop_oneof![
        (digest(), place()).prop_map(|(d, p)| (RevisionState::Put, d, Some(p))),
        Just((RevisionState::Deleted, Digest::default(), None)),
        Just((RevisionState::Released, Digest::default(), None)),
    ];
    (id(), text(), uid(), resource_version(), origin(), what, text()).prop_map(
        |(id, version, uid, resource_version, origin, (state, digest, place), policy)| Revision {
            id,
            version,
            uid,
            order: Order { incarnation: origin.incarnation, resource_version },
            number: origin.segment,
            at: origin.at,
            state,
            digest,
            place,
            policy,
        },
    )
}

fn span() -> impl Strategy<Value = Span> {
    any::<(u64, u32, u32)>().prop_map(|(start, len, raw)| Span { start, len, raw })
}

pub(super) fn checkpoint() -> impl Strategy<Value = Checkpoint> {
    let index = (digest(), span(), any::<[u64; 5]>()).prop_map(|(name, footer, n)| IndexRef {
        name,
        footer,
        size: n[0],
        first_segment: n[1],
        last_segment: n[2],
        live: n[3],
        past: n[4],
    });
    let pack = (digest(), any::<[u64; 3]>()).prop_map(|(name, n)| PackLive { name, size: n[0], raw: n[1], live: n[2] });
    let run = any::<[u64; 5]>().prop_map(|n| SegmentRun { first: n[0], last: n[1], size: n[2], raw: n[3], live: n[4] });
    let retention =
        (text(), timestamp(), any::<u64>()).prop_map(|(policy, at, dropped)| Retention { policy, at, dropped });
    let epochs = proptest::collection::btree_map(text(), any::<u64>(), 0..3);
    let files = (vec(index, 0..3), vec(pack, 0..3), vec(run, 0..3), option::of(retention));
    let notes = (epochs, positions(), withheld(), accepted());
    let last = (any::<u64>(), digest(), timestamp(), any::<u32>());
    let own = (pack_header(), any::<u64>(), option::of(digest()), timestamp());
    (own, last, notes, files).prop_map(|(own, last, notes, files)| Checkpoint {
        common: own.0,
        number: own.1,
        parent: own.2,
        at: own.3,
        segment: last.0,
        segment_digest: last.1,
        segment_at: last.2,
        incarnation: last.3,
        epochs: notes.0,
        positions: notes.1,
        withheld: notes.2,
        accepted: notes.3,
        indexes: files.0,
        packs: files.1,
        segments: files.2,
        retention: files.3,
    })
}
