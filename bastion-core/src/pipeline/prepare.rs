//! From an object's JSON to the bytes that are hashed.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::{
    canonical,
    error::{Category, Failure},
    hash::{Digest, Hasher},
    manifest::{Manifest, ManifestError},
    object::Kind,
    record::Extras,
    runtime::{RuntimeExt, SharedRuntime},
    sanitize::{SanitizeError, Sanitizer},
};

/// Bodies larger than this are prepared on a thread that may block.
const LARGE: usize = 64 << 10;

/// An object, cleaned and hashed.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) uid: String,
    pub(crate) digest: Digest,
    pub(crate) canonical: Bytes,
    pub(crate) extras: Extras,
}

/// Why an object cannot be prepared; holds none of its content.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) enum PrepareError {
    Parse(#[from] ManifestError),
    Sanitize(#[from] SanitizeError),
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        Self::new(Category::Invalid, &error)
    }
}

/// Parses, cleans and hashes objects, a bounded number of them at the same time over all kinds.
#[derive(Debug)]
pub(crate) struct Preparer {
    sanitizer: Arc<dyn Sanitizer>,
    hasher: Arc<dyn Hasher>,
    runtime: SharedRuntime,
    /// Turns at the processor: first come, first served.
    turns: Semaphore,
}

impl Preparer {
    pub(crate) fn new(
        sanitizer: Arc<dyn Sanitizer>,
        hasher: Arc<dyn Hasher>,
        runtime: SharedRuntime,
        concurrency: usize,
    ) -> Self {
        Self { sanitizer, hasher, runtime, turns: Semaphore::new(concurrency) }
    }

    /// Prepares an object when it is its turn.
    pub(crate) async fn prepare(&self, kind: &Kind, body: Bytes) -> Result<Prepared, PrepareError> {
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await;
        if body.len() <= LARGE {
            return prepare(kind, &body, &*self.sanitizer, &*self.hasher);
        }
        let (kind, sanitizer, hasher) = (kind.clone(), self.sanitizer.clone(), self.hasher.clone());
        self.runtime.offloaded(move || prepare(&kind, &body, &*sanitizer, &*hasher)).await
    }

    /// Changes whenever the same object could come out with another digest.
    pub(crate) fn fingerprints(&self) -> [String; 2] {
        [self.sanitizer.fingerprint().to_string(), self.hasher.algorithm().to_string()]
    }
}

fn prepare(kind: &Kind, body: &[u8], sanitizer: &dyn Sanitizer, hasher: &dyn Hasher) -> Result<Prepared, PrepareError> {
    let mut manifest = Manifest::parse(body, sanitizer.drops(kind))?;
    let uid = manifest.uid().unwrap_or_default().to_owned();
    let extras = sanitizer.sanitize(kind, &mut manifest)?;
    let canonical = Bytes::from(canonical::to_bytes(&manifest));
    Ok(Prepared { uid, digest: hasher.digest(&canonical), canonical, extras })
}
