#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::{
    hash::{Blake3, Hasher, Sha256},
    manifest::tests::any_map,
};

/// One line a vector: what it shows, the JSON, the canonical text, SHA-256, BLAKE3. The file is the
/// specification by example: a change of any line but new ones is another format.
const GOLDEN: &str = include_str!("golden.tsv");

#[test]
fn golden_vectors() {
    let mut shown = 0;
    for line in GOLDEN.lines().filter(|line| !line.starts_with('#')) {
        let [what, json, text, sha256, blake3] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let bytes = to_bytes(&from_bytes(json.as_bytes()).unwrap());
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), text, "{what}");
        assert_eq!(Sha256.digest(&bytes).to_string(), sha256, "{what}");
        assert_eq!(Blake3.digest(&bytes).to_string(), blake3, "{what}");
        shown += 1;
    }
    assert!(shown > 20);
}

#[test]
fn it_is_json_to_any_other_parser() {
    for line in GOLDEN.lines().filter(|line| !line.starts_with('#')) {
        let text = line.split('\t').nth(2).unwrap();
        let theirs: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(to_bytes(&from_bytes(theirs.to_string().as_bytes()).unwrap()), text.as_bytes());
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_equal_and_written_the_same(map in any_map()) {
        let manifest = Manifest::from(map);
        let bytes = to_bytes(&manifest);
        let back = from_bytes(&bytes).unwrap();
        prop_assert_eq!(&back, &manifest);
        prop_assert_eq!(to_bytes(&back), bytes);
    }

    #[test]
    fn every_double_keeps_its_bits(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
        let manifest = Manifest::from(Map::from([("n".into(), Value::Float(number))]));
        let text = String::from_utf8(to_bytes(&manifest)).unwrap();
        let number_text = text.strip_prefix(r#"{"n":"#).unwrap().strip_suffix('}').unwrap();
        prop_assert!(number_text.parse::<f64>().unwrap().to_bits() == number.to_bits() || number == 0.0);
        prop_assert_eq!(to_bytes(&from_bytes(text.as_bytes()).unwrap()), text.into_bytes());
    }
}
