//! Whatever happens to a stored file is found and named.

use prost::Message;

use super::{
    super::{envelope::FileType, *},
    sample,
};
use crate::error::Error;

fn key() -> Key {
    Key::parse("clusters/prod/log/some-file").unwrap()
}

fn assert_names_the_key(error: &Error) {
    assert!(error.to_string().contains("clusters/prod/log/some-file"), "{error}");
}

#[test]
fn every_flipped_byte_is_an_error_that_names_the_key() {
    for (what, good) in sample::files() {
        sample::decode(what, &key(), &good).unwrap();
        for at in 0..good.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[at] ^= flip;
                let error = sample::decode(what, &key(), &bad)
                    .expect_err(&format!("byte {at} of {} of a {what} was flipped by {flip:#x}", good.len()));
                assert_names_the_key(&error);
            }
        }
    }
}

#[test]
fn every_truncation_and_every_appended_byte_is_an_error() {
    for (what, good) in sample::files() {
        for len in 0..good.len() {
            assert_names_the_key(&sample::decode(what, &key(), &good[..len]).unwrap_err());
        }
        let longer = [&good[..], b"x"].concat();
        assert_names_the_key(&sample::decode(what, &key(), &longer).unwrap_err());
    }
}

#[test]
fn a_file_in_the_place_of_another_type_is_an_error() {
    let files = sample::files();
    for (what, _) in &files {
        for (other, bytes) in &files {
            assert_eq!(sample::decode(what, &key(), bytes).is_ok(), what == other, "a {other} read as a {what}");
        }
    }
}

#[test]
fn a_flipped_byte_of_a_block_that_was_read_by_its_range_is_an_error() {
    let (sealed, _) = sample::index();
    let file = decode_index(&key(), &sealed.bytes).unwrap();
    let block = &file.footer.live[0];
    let range = block.span.range();
    let stored = &sealed.bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
    for at in 0..stored.len() {
        let mut bad = stored.to_vec();
        bad[at] ^= 0x10;
        match decode_index_block(&key(), &bad, block) {
            Err(error) => assert_names_the_key(&error),
            // Some bits of a zstd frame mean nothing; then nothing may have changed.
            Ok(revisions) => assert_eq!(revisions, decode_index_block(&key(), stored, block).unwrap(), "byte {at}"),
        }
    }
}

fn with_features(features: &[&str]) -> proto::Common {
    proto::Common { features: features.iter().map(ToString::to_string).collect(), ..Default::default() }
}

#[test]
fn an_unknown_feature_is_named_and_nothing_else_is_looked_at() {
    let header = proto::AnyHeader { common: Some(with_features(&["teleport"])) };
    for (what, file_type) in [
        ("segment", FileType::Segment),
        ("pack", FileType::Pack),
        ("index", FileType::Index),
        ("checkpoint", FileType::Checkpoint),
    ] {
        let sealed = envelope::seal(file_type, &header, std::iter::empty(), b"\xff nothing we know").unwrap();
        let error = sample::decode(what, &key(), &sealed.bytes).unwrap_err();
        assert!(matches!(&error, Error::UnknownFeature { features, .. } if *features == ["teleport"]), "{error}");
        assert_names_the_key(&error);
    }
    let mut config = sample::config();
    config.features.push("teleport".into());
    let error = decode_config(&key(), &encode_config(&config).unwrap()).unwrap_err();
    assert!(matches!(error, Error::UnknownFeature { .. }), "{error}");
    let mut config = sample::config();
    config.format = 2;
    let error = decode_config(&key(), &encode_config(&config).unwrap()).unwrap_err();
    assert!(matches!(error, Error::UnknownFeature { .. }), "{error}");
}

#[test]
fn unknown_fields_of_a_newer_writer_are_passed_over() {
    // A field 999 (varint 1) behind a header that is otherwise today's.
    let sealed = encode_segment(&sample::segment_header(), &sample::contents()).unwrap();
    let open = envelope::open(FileType::Segment, &key(), &sealed.bytes).unwrap();
    let mut header = open.header.to_vec();
    prost::encoding::encode_key(999, prost::encoding::WireType::Varint, &mut header);
    prost::encoding::encode_varint(1, &mut header);
    let payload = &sealed.bytes[open.payload.clone()];
    let newer = envelope::seal_encoded(FileType::Segment, &header, std::iter::once(payload), &open.footer).unwrap();
    let read = decode_segment(&key(), &newer.bytes).unwrap();
    assert_eq!(read.header, sample::segment_header());
    assert_eq!(read.records, sample::contents().records);
}

#[test]
fn lengths_that_lie_cost_no_memory() {
    // A zstd frame of a gigabyte of zeros takes some 30 kB: it must not be decompressed.
    let bomb = zstd::bulk::compress(&vec![0; 1 << 28], 1).unwrap();
    for raw in [0, 100, MAX_RAW_BLOCK, u32::MAX] {
        assert_names_the_key(&decompress(&key(), &bomb, raw).unwrap_err());
    }
    let block = proto::Span { start: 0, len: 4, raw: u32::MAX };
    let directory = proto::Directory { blocks: vec![block], ..Default::default() };
    let header = proto::PackHeader { common: Some(with_features(&[])), records: 0 };
    let footer = directory.encode_length_delimited_to_vec();
    let sealed = envelope::seal(FileType::Pack, &header, std::iter::once(b"abcd".as_slice()), &footer).unwrap();
    assert_names_the_key(&decode_pack(&key(), &sealed.bytes).unwrap_err());
}

#[test]
fn entries_that_are_names_alone_cost_no_room() {
    let names = vec![String::new(); 1 << 20];
    let raw = proto::IndexColumns { name: names, ..Default::default() }.encode_to_vec();
    let stored = block::compress(&raw).unwrap();
    let span = Span { start: 0, len: u32::try_from(stored.len()).unwrap(), raw: u32::try_from(raw.len()).unwrap() };
    let first = crate::object::ObjectId::new(&crate::object::GroupKind::new("", ""), "", "");
    for (entries, why) in [(3, "1048576 entries instead of 3"), (1 << 20, "0 bytes of uids")] {
        let block = IndexBlock { first: first.clone(), entries, span };
        let error = decode_index_block(&key(), &stored, &block).unwrap_err();
        assert_names_the_key(&error);
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn keys_with_numbers_that_cannot_be_counted_on_are_none_of_ours() {
    let keys = keys::ClusterKeys::new("prod");
    let highest = i64::MAX.cast_unsigned();
    for n in [highest + 1, u64::MAX] {
        assert_eq!(keys.segment_number(&keys.segment(n)), None);
        assert_eq!(keys.checkpoint_number(&keys.checkpoint(n)), None);
    }
    assert_eq!(keys.segment_number(&keys.segment(highest)), Some(highest));
    assert_eq!(keys.checkpoint_number(&keys.checkpoint(highest)), Some(highest));
}
