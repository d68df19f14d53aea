//! Which repository, and what is kept beside its logs.

use serde::{Deserialize, Serialize};

use super::SpecError;
use crate::storage::{Place, place};

/// A repository: where it is, and whether to make it.
///
/// ```
/// use bastion_sdk::spec::RepositorySpec;
///
/// let spec = RepositorySpec::new("s3://backups/prod?endpoint=https://minio.example.com").create(true);
/// assert!(!spec.keeps_tree());
/// let wrong = RepositorySpec::new("ftp://backups").validate().unwrap_err();
/// assert!(wrong.to_string().starts_with("repository.url: "));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RepositorySpec {
    /// `file:///folder` or `s3://bucket/prefix?endpoint=https://host`. Credentials are never part of it: they come
    /// from the environment, as for every program that uses S3.
    pub url: String,
    /// Create the repository if there is none. A folder is made, a bucket must exist.
    pub create: bool,
    /// Keep `tree/`, the newest revision of every object as a YAML file. If nothing is said it is kept in folders and
    /// not in S3, where it costs two requests an object.
    pub tree: Option<bool>,
}

impl RepositorySpec {
    /// The repository at this URL, which must exist.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }

    /// Whether to create the repository if there is none.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Whether to keep `tree/`.
    #[must_use]
    pub fn tree(mut self, keep: bool) -> Self {
        self.tree = Some(keep);
        self
    }

    /// Whether `tree/` is kept.
    pub fn keeps_tree(&self) -> bool {
        self.tree.unwrap_or_else(|| matches!(place(&self.url), Ok(Place::Folder)))
    }

    /// Checks the URL without opening anything.
    pub fn validate(&self) -> Result<(), SpecError> {
        if self.url.is_empty() {
            let why = "which repository? Write a URL, for example file:///var/backups/bastion";
            return Err(SpecError::new("repository.url", why));
        }
        place(&self.url).map(drop).map_err(|e| SpecError::new("repository.url", bastion_core::error::chain(&e)))
    }
}
