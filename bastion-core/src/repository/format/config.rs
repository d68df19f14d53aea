//! `bastion.json`: what holds for the whole repository. JSON, so that a person can read it; written once.

use serde::{Deserialize, Serialize};

use super::{FORMAT_VERSION, corrupt, envelope::check_feature_list};
use crate::{
    error::{Error, Result},
    hash::{Algorithm, Digest},
    store::Key,
    time::Timestamp,
};

/// What holds for the whole repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Config {
    /// Version of the format.
    pub(crate) format: u32,
    /// Names the repository: 32 hex digits.
    pub(crate) id: String,
    /// Which function makes the digests of bodies.
    pub(crate) digest: Algorithm,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// Features that a reader must know.
    #[serde(default)]
    pub(crate) features: Vec<String>,
}

impl Config {
    /// A new repository's.
    pub(crate) fn new(id: String, digest: Algorithm, created: Timestamp) -> Self {
        Self { format: FORMAT_VERSION, id, digest, created, features: Vec::new() }
    }
}

/// What stands before the digest at the end. The digest is of everything before this.
const BEFORE_SUM: &str = ",\n  \"sha256\": \"";
const AFTER_SUM: &str = "\"\n}\n";

/// Makes the bytes of `bastion.json`.
pub(crate) fn encode_config(config: &Config) -> Result<Vec<u8>> {
    let text = serde_json::to_string_pretty(config).map_err(|e| Error::Invalid(format!("bastion.json: {e}")))?;
    let covered = text.trim_end_matches('}').trim_end();
    let sum = Digest::of_file(covered.as_bytes());
    Ok(format!("{covered}{BEFORE_SUM}{sum}{AFTER_SUM}").into_bytes())
}

/// What is read before anything else: a newer format may have changed the rest.
#[derive(Deserialize)]
struct First {
    format: u32,
    #[serde(default)]
    features: Vec<String>,
}

/// Reads `bastion.json`.
pub(crate) fn decode_config(key: &Key, bytes: &[u8]) -> Result<Config> {
    let text = std::str::from_utf8(bytes).map_err(|_| corrupt(key, "it is not valid UTF-8"))?;
    let sum = text.strip_suffix(AFTER_SUM).and_then(|t| t.rsplit_once(BEFORE_SUM));
    let (covered, sum) = sum.ok_or_else(|| corrupt(key, "it does not end with its SHA-256"))?;
    if Digest::of_file(covered.as_bytes()).to_string() != sum {
        return Err(corrupt(key, "its text does not match its SHA-256"));
    }
    let bad = |e: serde_json::Error| corrupt(key, e.to_string());
    let first: First = serde_json::from_str(text).map_err(bad)?;
    if first.format > FORMAT_VERSION {
        let features = vec![format!("format version {}", first.format)];
        return Err(Error::UnknownFeature { key: key.clone(), features });
    }
    check_feature_list(key, first.features)?;
    serde_json::from_str(text).map_err(bad)
}
