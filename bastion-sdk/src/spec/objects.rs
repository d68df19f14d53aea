//! Which of the stored objects.

use std::{fmt, str::FromStr};

use bastion_core::select::{KindWord, LabelSelector, SelectionError};
use serde::{Deserialize, Serialize};

use super::SpecError;

/// Which of the stored objects, in kubectl's words; all of them if nothing is said.
///
/// ```
/// use bastion_sdk::spec::{ObjectsSpec, SpecError};
///
/// let web = ObjectsSpec::default().namespace("shop").object("deployment/web".parse()?);
/// let apps = ObjectsSpec::default().kind("deploy".parse()?).kind("cm".parse()?).labels("app=web,tier!=cache".parse()?);
/// assert!(web.validate().and(apps.validate()).is_ok());
/// # Ok::<(), SpecError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ObjectsSpec {
    /// All objects of these kinds: `deploy`, `configmaps`, `certificates.cert-manager.io`.
    pub kinds: Vec<KindWord>,
    /// Single objects: `deployment/web`. Goes alone, without `kinds`.
    pub objects: Vec<ObjectWord>,
    /// Objects in this namespace only; objects of the cluster itself are in none.
    pub namespace: Option<String>,
    /// Objects with these labels only: `app=web,tier!=cache`.
    pub labels: Option<LabelSelector>,
}

impl ObjectsSpec {
    /// All objects of this kind, beside those that were named before.
    #[must_use]
    pub fn kind(mut self, word: KindWord) -> Self {
        self.kinds.push(word);
        self
    }

    /// This object, beside those that were named before.
    #[must_use]
    pub fn object(mut self, object: ObjectWord) -> Self {
        self.objects.push(object);
        self
    }

    /// Objects in this namespace only.
    #[must_use]
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespace = Some(name.into());
        self
    }

    /// Objects with these labels only.
    #[must_use]
    pub fn labels(mut self, selector: LabelSelector) -> Self {
        self.labels = Some(selector);
        self
    }

    /// Whether it takes everything.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Checks its parts against each other. Whether there are such objects only the repository knows.
    pub fn validate(&self) -> Result<(), SpecError> {
        if !self.kinds.is_empty() && !self.objects.is_empty() {
            return Err(SpecError::new("objects", "name kinds or single objects, not both"));
        }
        Ok(())
    }
}

/// One object as people write it: `deployment/web`, `certificates.cert-manager.io/web`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub struct ObjectWord {
    /// Its kind.
    pub kind: KindWord,
    /// Its name.
    pub name: String,
}

impl ObjectWord {
    /// The object of this kind with this name.
    pub fn new(kind: KindWord, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

/// Text that is not an [`ObjectWord`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectWordError {
    /// It is not a kind and a name.
    #[error("{text:?} is not TYPE/NAME")]
    Form {
        /// The text.
        text: String,
    },
    /// Its first part is no kind.
    #[error(transparent)]
    Kind(#[from] SelectionError),
}

/// As one of the `objects` of an [`ObjectsSpec`].
impl From<ObjectWordError> for SpecError {
    fn from(error: ObjectWordError) -> Self {
        Self::new("objects", error.to_string())
    }
}

impl FromStr for ObjectWord {
    type Err = ObjectWordError;

    fn from_str(text: &str) -> Result<Self, ObjectWordError> {
        match text.split_once('/') {
            Some((kind, name)) if !name.is_empty() && !name.contains('/') => {
                Ok(Self { kind: kind.parse()?, name: name.to_owned() })
            }
            _ => Err(ObjectWordError::Form { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for ObjectWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl TryFrom<String> for ObjectWord {
    type Error = ObjectWordError;

    fn try_from(text: String) -> Result<Self, ObjectWordError> {
        text.parse()
    }
}

impl From<ObjectWord> for String {
    fn from(word: ObjectWord) -> Self {
        word.to_string()
    }
}
