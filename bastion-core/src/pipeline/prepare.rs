//! From an object's JSON to the bytes that are hashed. Pure.

use bytes::Bytes;

use crate::{
    canonical,
    hash::{Digest, Hasher},
    manifest::Manifest,
    object::Kind,
    record::Extras,
    sanitize::Sanitizer,
};

/// Bodies larger than this are prepared where blocking disturbs nobody.
pub(crate) const LARGE: usize = 64 << 10;

/// An object, cleaned and hashed.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) uid: String,
    pub(crate) digest: Digest,
    pub(crate) canonical: Bytes,
    pub(crate) extras: Extras,
}

/// Parses, cleans and hashes an object. The error says what is wrong with it, and holds none of its content.
pub(crate) fn prepare(
    kind: &Kind,
    body: &[u8],
    sanitizer: &dyn Sanitizer,
    hasher: &dyn Hasher,
) -> Result<Prepared, String> {
    let mut manifest = Manifest::parse(body, sanitizer.drops(kind)).map_err(|e| e.to_string())?;
    let uid = manifest.uid().unwrap_or_default().to_owned();
    let extras = sanitizer.sanitize(kind, &mut manifest).map_err(|e| e.to_string())?;
    let canonical = Bytes::from(canonical::to_bytes(&manifest));
    Ok(Prepared { uid, digest: hasher.digest(&canonical), canonical, extras })
}
