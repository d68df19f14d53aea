//! Every decoder is total. `cargo bolero test <name>` searches for inputs by coverage; as plain tests these
//! try some thousand random ones.

use super::super::{
    contents::Origin,
    envelope::{FileType, Sealed, seal_encoded},
    *,
};

fn key() -> Key {
    Key::parse("clusters/prod/x").unwrap()
}

/// Reads a file and everything in it as a reader of the repository would.
fn read_all(file_type: FileType, bytes: &[u8]) {
    let key = key();
    match file_type {
        FileType::Segment => {
            let Ok(segment) = decode_segment(&key, bytes) else { return };
            for revision in segment.revisions() {
                let Some(place) = revision.place else { continue };
                read_body(bytes, &place);
            }
        }
        FileType::Pack => {
            let Ok(pack) = decode_pack(&key, bytes) else { return };
            for revision in pack.revisions(Origin::default(), &[1, 2]) {
                let Some(place) = revision.place else { continue };
                read_body(bytes, &place);
            }
        }
        FileType::Index => {
            let Ok(file) = decode_index(&key, bytes) else { return };
            for block in file.footer.live.iter().chain(&file.footer.past) {
                let range = block.span.range();
                let (start, end) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
                let _ = decode_index_block(&key, &bytes[start..end], block);
                let _ = file.footer.blocks_of(Section::Live, &block.first);
                let _ = file.footer.blocks_of_kind(Section::Past, &block.first.group_kind());
            }
        }
        FileType::Checkpoint => {
            let _ = decode_checkpoint(&key, bytes);
        }
    }
}

fn read_body(bytes: &[u8], place: &crate::record::Place) {
    let start = usize::try_from(place.block_start).unwrap();
    // A decoded span lies inside the file.
    let stored = &bytes[start..start + place.block_len as usize];
    if let Ok(block) = decompress(&key(), stored, place.block_raw) {
        let _ = body(&key(), &block, place);
    }
}

/// Bytes cut in three: header, payload, footer of a file whose SHA-256 is right.
fn seal_input(file_type: FileType, input: &[u8]) -> Option<Sealed> {
    let (&cut, rest) = input.split_first()?;
    let (header, rest) = rest.split_at(rest.len() * usize::from(cut & 15) / 16);
    let (payload, footer) = rest.split_at(rest.len() * usize::from(cut >> 4) / 16);
    seal_encoded(file_type, header, std::iter::once(payload), footer).ok()
}

/// A real file with some bytes of its header and footer replaced, its SHA-256 right again: random bytes alone
/// rarely get behind the first fields. Each edit is three bytes: where (two), and what.
fn edit(file_type: FileType, input: &[u8]) -> Option<Sealed> {
    let word = match file_type {
        FileType::Segment => "segment",
        FileType::Pack => "pack",
        FileType::Index => "index",
        FileType::Checkpoint => "checkpoint",
    };
    let (_, bytes) = super::sample::files().into_iter().find(|(what, _)| *what == word)?;
    let good = envelope::open(file_type, &key(), &bytes).unwrap();
    let (mut header, mut footer) = (good.header.to_vec(), good.footer.clone());
    for edit in input.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % (header.len() + footer.len());
        match header.len() {
            len if at < len => header[at] = edit[2],
            len => footer[at - len] = edit[2],
        }
    }
    seal_encoded(file_type, &header, std::iter::once(&bytes[good.payload.clone()]), &footer).ok()
}

/// As a whole file, as the three parts of one, and as edits of a real one.
fn read_as(file_type: FileType, input: &[u8]) {
    read_all(file_type, input);
    for sealed in [seal_input(file_type, input), edit(file_type, input)].into_iter().flatten() {
        read_all(file_type, &sealed.bytes);
    }
}

#[test]
fn fuzz_segment() {
    bolero::check!().for_each(|input: &[u8]| read_as(FileType::Segment, input));
}

#[test]
fn fuzz_pack() {
    bolero::check!().for_each(|input: &[u8]| read_as(FileType::Pack, input));
}

#[test]
fn fuzz_index() {
    bolero::check!().for_each(|input: &[u8]| read_as(FileType::Index, input));
}

#[test]
fn fuzz_index_block() {
    bolero::check!().for_each(|input: &[u8]| {
        let Some((&entries, raw)) = input.split_first() else { return };
        let stored = block::compress(raw).unwrap();
        let span = Span { start: 0, len: 0, raw: u32::try_from(raw.len()).unwrap() };
        let first = crate::object::ObjectId::new(&crate::object::GroupKind::new("", ""), "", "");
        let block = IndexBlock { first, entries: entries.into(), span };
        let _ = decode_index_block(&key(), &stored, &block);
        let _ = decode_index_block(&key(), raw, &block);
        let _ = decode_index_footer(&key(), &stored, span.raw);
        // A real block with some bytes replaced.
        let (sealed, _) = super::sample::index();
        let good = decode_index(&key(), &sealed.bytes).unwrap().footer.live.remove(0);
        let range = good.span.range();
        let (start, end) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
        let mut raw = decompress(&key(), &sealed.bytes[start..end], good.span.raw).unwrap().clone();
        for edit in input.chunks_exact(3) {
            let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % raw.len();
            raw[at] = edit[2];
        }
        let _ = decode_index_block(&key(), &block::compress(&raw).unwrap(), &good);
    });
}

#[test]
fn fuzz_checkpoint() {
    bolero::check!().for_each(|input: &[u8]| read_as(FileType::Checkpoint, input));
}

#[test]
fn fuzz_config() {
    bolero::check!().for_each(|input: &[u8]| {
        let _ = decode_config(&key(), input);
        let text = String::from_utf8_lossy(input);
        let sum = crate::hash::Digest::of_file(text.as_bytes());
        let _ = decode_config(&key(), format!("{text},\n  \"sha256\": \"{sum}\"\n}}\n").as_bytes());
    });
}

/// Random bytes rarely get far; flips in good headers and footers, sealed again, do.
#[test]
fn flips_below_a_right_checksum_never_panic() {
    let files = super::sample::files();
    let types = [FileType::Segment, FileType::Pack, FileType::Index, FileType::Checkpoint];
    for (file_type, (_, bytes)) in types.into_iter().zip(&files) {
        let open = envelope::open(file_type, &key(), bytes).unwrap();
        let payload = &bytes[open.payload.clone()];
        for bit in 0..8 {
            for at in 0..open.header.len() {
                let mut header = open.header.to_vec();
                header[at] ^= 1 << bit;
                let sealed = seal_encoded(file_type, &header, std::iter::once(payload), &open.footer).unwrap();
                read_all(file_type, &sealed.bytes);
            }
            for at in 0..open.footer.len() {
                let mut footer = open.footer.clone();
                footer[at] ^= 1 << bit;
                let sealed = seal_encoded(file_type, open.header, std::iter::once(payload), &footer).unwrap();
                read_all(file_type, &sealed.bytes);
            }
        }
    }
}
