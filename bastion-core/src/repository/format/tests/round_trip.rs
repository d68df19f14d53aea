//! What is encoded is decoded again, whatever it is.

use proptest::prelude::*;

use super::{
    super::{contents::Origin, *},
    arbitrary,
};
use crate::{
    hash::{Algorithm, Digest},
    record::{BodyFile, Place, RevisionState},
    store::Key,
};

fn key() -> Key {
    Key::parse("clusters/c/file").unwrap()
}

/// Reads a body as a reader of the repository does: by the range of its block.
fn body_at(file: &[u8], place: &Place) -> Vec<u8> {
    let start = usize::try_from(place.block_start).unwrap();
    let stored = &file[start..start + place.block_len as usize];
    let block = decompress(&key(), stored, place.block_raw).unwrap();
    body(&key(), &block, place).unwrap().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn segments(header in arbitrary::segment_header(), (contents, bodies) in arbitrary::contents()) {
        let sealed = encode_segment(&header, &contents).unwrap();
        prop_assert_eq!(sealed.digest, Digest::of_file(&sealed.bytes));
        let read = decode_segment(&key(), &sealed.bytes).unwrap();
        prop_assert_eq!(&read.header, &header);
        prop_assert_eq!(&read.records, &contents.records);
        prop_assert_eq!((read.digest, read.size), (sealed.digest, sealed.bytes.len() as u64));
        let places: Vec<_> = read.revisions().filter_map(|v| v.place).collect();
        let got: Vec<_> = places.iter().map(|p| body_at(&sealed.bytes, p)).collect();
        prop_assert_eq!(got, bodies);
        prop_assert!(places.iter().all(|p| p.file == BodyFile::Segment(header.number)));
    }

    #[test]
    fn packs(header in arbitrary::pack_header(), (contents, bodies) in arbitrary::contents(), dropped: u32) {
        let sealed = encode_pack(&header, &contents).unwrap();
        prop_assert_eq!(sealed.digest, Digest::of_file(&sealed.bytes));
        let read = decode_pack(&key(), &sealed.bytes).unwrap();
        prop_assert_eq!(&read.header, &header);
        prop_assert_eq!(&read.records, &contents.records);
        let got: Vec<_> = read.revisions(Origin::default(), &[]).filter_map(|v| v.place).map(|p| body_at(&sealed.bytes, &p)).collect();
        prop_assert_eq!(got, bodies);

        // The commit that brings the pack gives its records their place in the log, but not the dropped ones.
        let commit = Origin { segment: 7, at: crate::time::Timestamp::from_millis(5), incarnation: 2 };
        let all: Vec<_> = read.revisions(commit, &[]).collect();
        prop_assert_eq!(all.len(), contents.records.len());
        for (revision, record) in all.iter().zip(&contents.records) {
            prop_assert_eq!(revision.number, record.origin.unwrap_or(commit).segment);
            prop_assert_eq!(revision.place.is_some(), revision.state == RevisionState::Put);
        }
        if !all.is_empty() {
            let gone = dropped % u32::try_from(all.len()).unwrap();
            let kept: Vec<_> = read.revisions(commit, &[gone]).collect();
            prop_assert_eq!(&kept[..gone as usize], &all[..gone as usize]);
            prop_assert_eq!(&kept[gone as usize..], &all[gone as usize + 1..]);
        }
    }

    #[test]
    fn checkpoints(checkpoint in arbitrary::checkpoint()) {
        let sealed = encode_checkpoint(&checkpoint).unwrap();
        prop_assert_eq!(decode_checkpoint(&key(), &sealed.bytes).unwrap(), checkpoint);
    }

    #[test]
    fn config(id in "[0-9a-f]{32}|\\PC*", blake: bool, ms in -377_705_023_201_000_i64..253_402_207_200_000) {
        let algorithm = if blake { Algorithm::Blake3 } else { Algorithm::Sha256 };
        let config = Config::new(id, algorithm, crate::time::Timestamp::from_millis(ms));
        let bytes = encode_config(&config).unwrap();
        prop_assert_eq!(decode_config(&key(), &bytes).unwrap(), config);
    }

    #[test]
    fn keys_sort_and_read_back(cluster in "\\PC{0,30}", a in 1..=i64::MAX.cast_unsigned(), b in 1..=i64::MAX.cast_unsigned(), name in arbitrary::digest()) {
        let keys = keys::ClusterKeys::new(&cluster);
        prop_assert_eq!(keys.segment(a).cmp(&keys.segment(b)), a.cmp(&b));
        prop_assert_eq!(keys.checkpoint(a).cmp(&keys.checkpoint(b)), b.cmp(&a));
        prop_assert_eq!(keys.segment_number(&keys.segment(a)), Some(a));
        prop_assert_eq!(keys.checkpoint_number(&keys.checkpoint(a)), Some(a));
        prop_assert_eq!(keys.pack_name(&keys.pack(&name)), Some(name));
        prop_assert_eq!(keys.index_name(&keys.index(&name)), Some(name));
        prop_assert_eq!(keys.segment_number(&keys.pack(&name)), None);
        prop_assert!(keys.segment(a).as_str().starts_with(keys.log().as_str()));
        prop_assert!(keys.checkpoint(a).as_str().starts_with(keys.checkpoints().as_str()));
    }
}
