//! Index files: written in one pass, read block by block.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    super::{index::MAX_INDEX_FILE, *},
    arbitrary,
};
use crate::{
    hash::{Digest, Hasher, Sha256},
    object::{GroupKind, ObjectId},
    record::{BodyFile, Order, Place, Revision, RevisionState},
    store::Key,
    time::Timestamp,
};

fn key() -> Key {
    Key::parse("clusters/c/index/file").unwrap()
}

fn read(bytes: &[u8], blocks: &[IndexBlock]) -> Vec<Revision> {
    let one = |b: &IndexBlock| {
        let range = b.span.range();
        let stored = &bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
        decode_index_block(&key(), stored, b).unwrap()
    };
    blocks.iter().flat_map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_entry_comes_back_in_order(
        header in arbitrary::index_header(),
        revisions in prop::collection::vec(arbitrary::revision(), 0..60),
    ) {
        let mut by_id: BTreeMap<ObjectId, Vec<Revision>> = BTreeMap::new();
        for v in revisions {
by_id.entry(v.id.clone()).or_default().push(v);
}
        let live: Vec<_> = by_id.values().map(|v| v[0].clone()).collect();
        let past: Vec<_> = by_id.values().flat_map(|v| v[1..].to_vec()).collect();
        let mut writer = IndexWriter::new();
        for v in &live {
writer.push(Section::Live, v.clone()).unwrap();
}
        for v in &past {
writer.push(Section::Past, v.clone()).unwrap();
}
        let (sealed, reference) = writer.finish(&header).unwrap();

        let file = decode_index(&key(), &sealed.bytes).unwrap();
        prop_assert_eq!(&file.header, &header);
        prop_assert_eq!(file.reference, reference);
        prop_assert_eq!(reference.name, Digest::of_file(&sealed.bytes));
        prop_assert_eq!((reference.live, reference.past), (live.len() as u64, past.len() as u64));
        prop_assert_eq!(read(&sealed.bytes, &file.footer.live), live);
        prop_assert_eq!(read(&sealed.bytes, &file.footer.past), past);
    }
}

fn entry(kind: &GroupKind, n: u64, segment: u64) -> Revision {
    // Digests and uids are random in reality: here they are hashes.
    let random = *Sha256.digest(format!("{kind}{n}").as_bytes()).as_bytes();
    let hex = Digest::new(random).to_string();
    let uid = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]);
    Revision {
        id: ObjectId::new(kind, format!("team-{:04}", n / 500), format!("object-{n:06}")),
        version: "v1".into(),
        uid: uid.into(),
        order: Order { incarnation: 1, resource_version: (1_000_000 + n * 7919 % 100_000).into() },
        number: segment,
        at: Timestamp::from_millis(1_760_000_000_000),
        state: RevisionState::Put,
        digest: Sha256.digest(&random),
        place: Some(Place {
            file: BodyFile::Pack(Sha256.digest(&(n / 20_000).to_le_bytes())),
            block_start: 1000 + n / 120 * 21_000,
            block_len: 21_000,
            block_raw: 262_144,
            offset: u32::try_from(n % 120 * 2190).unwrap(),
            len: u32::try_from(2000 + n * 31 % 300).unwrap(),
        }),
        policy: "annotated".into(),
    }
}

#[test]
fn an_entry_takes_about_seventy_bytes_and_a_look_up_two_small_reads() {
    let kinds = [GroupKind::new("", "ConfigMap"), GroupKind::new("cert-manager.io", "Certificate")];
    let mut writer = IndexWriter::new();
    for kind in &kinds {
        for n in 0..25_000 {
            writer.push(Section::Live, entry(kind, n, 9)).unwrap();
        }
    }
    assert!(!writer.is_full());
    let (sealed, reference) = writer.finish(&IndexHeader::default()).unwrap();
    let per_entry = sealed.bytes.len() / 50_000;
    assert!((50..=75).contains(&per_entry), "{per_entry} bytes an entry");

    // The footer, by its range alone.
    let range = reference.footer.range();
    let stored = &sealed.bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
    assert!(stored.len() < 32 << 10, "a footer of {} bytes", stored.len());
    let footer = decode_index_footer(&key(), stored, reference.footer.raw).unwrap();

    for n in [0, 1, 499, 12_345, 24_999] {
        let wanted = entry(&kinds[1], n, 9);
        let blocks = footer.blocks_of(Section::Live, &wanted.id);
        assert!(blocks.len() <= 2, "{} blocks for one object", blocks.len());
        assert!(blocks.iter().all(|b| b.span.len < 64 << 10 && b.span.raw < 128 << 10), "{blocks:?}");
        assert!(read(&sealed.bytes, blocks).contains(&wanted), "{} is not found", wanted.id);
    }
    let absent = ObjectId::new(&kinds[0], "team-0007", "object-none");
    assert!(read(&sealed.bytes, footer.blocks_of(Section::Live, &absent)).iter().all(|v| v.id != absent));

    // All of a kind, and little more than that.
    let of_kind = read(&sealed.bytes, footer.blocks_of_kind(Section::Live, &kinds[1]));
    assert_eq!(of_kind.iter().filter(|v| v.id.group_kind() == kinds[1]).count(), 25_000);
    assert!(of_kind.len() < 27_000);
}

#[test]
fn a_history_longer_than_a_block_is_found_whole() {
    let kind = GroupKind::new("", "ConfigMap");
    let mut writer = IndexWriter::new();
    writer.push(Section::Past, entry(&kind, 0, 1)).unwrap();
    for segment in (0..5000).rev() {
        writer.push(Section::Past, entry(&kind, 1, segment)).unwrap();
    }
    writer.push(Section::Past, entry(&kind, 2, 1)).unwrap();
    let (sealed, _) = writer.finish(&IndexHeader::default()).unwrap();
    let footer = decode_index(&key(), &sealed.bytes).unwrap().footer;
    let wanted = entry(&kind, 1, 0).id;
    let mut found = read(&sealed.bytes, footer.blocks_of(Section::Past, &wanted));
    found.retain(|v| v.id == wanted);
    assert_eq!(found.iter().map(|v| v.number).collect::<Vec<_>>(), (0..5000).rev().collect::<Vec<_>>());
}

#[test]
fn a_full_writer_says_so_before_the_file_grows_too_large() {
    let kind = GroupKind::new("", "ConfigMap");
    let mut writer = IndexWriter::new();
    let mut n = 0;
    while !writer.is_full() {
        writer.push(Section::Live, entry(&kind, n, 1)).unwrap();
        n += 1;
    }
    let (sealed, _) = writer.finish(&IndexHeader::default()).unwrap();
    assert!(sealed.bytes.len() <= MAX_INDEX_FILE, "{} bytes", sealed.bytes.len());
    assert!(n > 100_000, "only {n} entries fit");
}

#[test]
fn entries_out_of_order_are_refused() {
    let kind = GroupKind::new("", "ConfigMap");
    let mut writer = IndexWriter::new();
    writer.push(Section::Live, entry(&kind, 2, 1)).unwrap();
    let error = writer.push(Section::Live, entry(&kind, 1, 1)).unwrap_err();
    assert!(error.to_string().contains("object-000001"), "{error}");
}
