//! Bodies as YAML: pure.

use std::sync::Arc;

use crate::{
    canonical,
    error::{Error, Result},
    hash::{Digest, Hasher},
    object::ObjectId,
    record::Revision,
    repository::format::{self, Span},
    store::Key,
    yaml,
};

/// An object as a view shows it.
pub(super) enum Shown {
    /// It exists.
    There {
        id: ObjectId,
        /// Its API version, without the group.
        version: Arc<str>,
        digest: Digest,
        /// Its YAML, or why there is none.
        yaml: Result<String, String>,
    },
    /// It was deleted, or is no longer selected.
    Gone(ObjectId),
}

/// The objects whose bodies lie in this block of a file.
pub(super) fn block(
    key: &Key,
    file: &[u8],
    span: Span,
    revisions: Vec<Revision>,
    hasher: &dyn Hasher,
) -> Result<Vec<Shown>> {
    let range = span.range();
    let stored = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
    let stored = stored.and_then(|(a, b)| file.get(a..b)).unwrap_or_default();
    let block = format::decompress(key, stored, span.raw)?;
    let mut out = Vec::with_capacity(revisions.len());
    for revision in revisions {
        let Some(place) = revision.place else { continue };
        let body = format::body(key, &block, &place)?;
        if hasher.digest(body) != revision.digest {
            let why = format!("the content of {} does not match its digest", revision.id);
            return Err(Error::Corrupt { key: key.clone(), why });
        }
        out.push(object(revision, body));
    }
    Ok(out)
}

/// One object with its body.
pub(super) fn object(revision: Revision, body: &[u8]) -> Shown {
    let yaml = canonical::from_bytes(body)
        .map_err(|e| e.to_string())
        .and_then(|manifest| yaml::to_yaml(&manifest).map_err(|e| e.to_string()));
    Shown::There { id: revision.id, version: revision.version, digest: revision.digest, yaml }
}
