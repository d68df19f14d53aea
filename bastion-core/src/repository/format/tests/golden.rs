//! The format, pinned. If one of these fails after a change of ours, then the format has changed: a new
//! field is in `docs/format.md` first; anything else needs a feature. If it fails after an upgrade of zstd
//! alone, then only the compression differs: the reading half must still pass with the old bytes.

use std::fmt::Write as _;

use super::{super::*, sample};

fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for line in bytes.chunks(32) {
        for b in line {
            write!(out, "{b:02x}").unwrap();
        }
        out.push('\n');
    }
    out
}

fn golden(name: &str) -> Vec<u8> {
    let text = match name {
        "segment" => include_str!("golden/segment.hex"),
        "pack" => include_str!("golden/pack.hex"),
        "index" => include_str!("golden/index.hex"),
        "checkpoint" => include_str!("golden/checkpoint.hex"),
        _ => include_str!("golden/bastion.json.hex"),
    };
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
}

/// `BASTION_BLESS=1 cargo test -p bastion-core format` writes the files anew.
#[test]
fn what_is_written_today_is_what_was_written_first() {
    for (name, bytes) in sample::files() {
        if std::env::var_os("BASTION_BLESS").is_some() {
            let path = format!("{}/src/repository/format/tests/golden/{name}.hex", env!("CARGO_MANIFEST_DIR"));
            std::fs::write(path, hex(&bytes)).unwrap();
        } else {
            assert_eq!(hex(&bytes), hex(&golden(name)), "{name}");
        }
    }
}

#[test]
fn what_was_written_first_is_read_today() {
    let key = Key::parse("golden").unwrap();
    assert_eq!(decode_config(&key, &golden("bastion.json")).unwrap(), sample::config());
    assert_eq!(decode_checkpoint(&key, &golden("checkpoint")).unwrap(), sample::checkpoint());

    let segment = decode_segment(&key, &golden("segment")).unwrap();
    assert_eq!(segment.header, sample::segment_header());
    assert_eq!(segment.records, sample::contents().records);

    let pack = decode_pack(&key, &golden("pack")).unwrap();
    assert_eq!(pack.header, sample::pack_header());
    assert_eq!(pack.records, sample::contents().records);

    let bytes = golden("index");
    let file = decode_index(&key, &bytes).unwrap();
    assert_eq!(file.header, sample::index_header());
    let mut revisions: Vec<_> = segment.revisions().collect();
    revisions.sort_by(|a, b| a.id.cmp(&b.id));
    let read = |block: &IndexBlock| {
        let range = block.span.range();
        let stored = &bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
        decode_index_block(&key, stored, block).unwrap()
    };
    assert_eq!(read(&file.footer.live[0]), revisions);
    assert_eq!(read(&file.footer.past[0]), &revisions[2..]);
}

#[test]
fn keys() {
    let keys = keys::ClusterKeys::new("prod");
    let name = crate::hash::Digest::of_file(b"");
    insta::assert_snapshot!([
        keys::config(),
        keys.segment(1),
        keys.segment(1_234_567),
        keys.segment(u64::MAX),
        keys.pack(&name),
        keys.index(&name),
        keys.checkpoint(1),
        keys.checkpoint(u64::MAX),
        keys::ClusterKeys::new("arn:aws:eks/x").segment(1),
    ].map(|k| k.to_string()).join("\n"), @r"
    bastion.json
    clusters/prod/log/00000000000000000/00000000000000000001.seg
    clusters/prod/log/00000000000001234/00000000000001234567.seg
    clusters/prod/log/18446744073709551/18446744073709551615.seg
    clusters/prod/packs/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.pack
    clusters/prod/index/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.idx
    clusters/prod/checkpoints/99999999999999999999.ckpt
    clusters/prod/checkpoints/81553255926290448385.ckpt
    clusters/arn%3Aaws%3Aeks%2Fx/log/00000000000000000/00000000000000000001.seg
    ");
}
