//! What all errors of this crate have in common: a category, whether trying again helps, and a chain of causes.
//! The errors of the traits build on it, and [`Error`](crate::Error) builds on these.

use std::{error::Error as StdError, fmt};

use serde::{Serialize, Serializer};

/// A cause from below (a store's transport, a parser), kept for the chain that is printed once at the edge.
pub type Cause = Box<dyn StdError + Send + Sync + 'static>;

/// What sort of failure an error is: stable, for metrics, reports and exit codes.
///
/// It decides whether trying again helps, see [`Category::retry`] (reading a cluster is tried again more often, see
/// [`Error::retry`](crate::Error::retry)):
///
/// | category | retry |
/// |---|---|
/// | `Unavailable` | [`Soon`](Retry::Soon) |
/// | `Denied`, `NotFound`, `Other` | [`OnceFixed`](Retry::OnceFixed) |
/// | `Invalid`, `Corrupt`, `Conflict`, `Cancelled` | [`Never`](Retry::Never) |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Category {
    /// The request itself is wrong.
    Invalid,
    /// Something that was asked for does not exist.
    NotFound,
    /// Credentials are missing, wrong or not enough.
    Denied,
    /// The other side is busy or unreachable; later it may work.
    Unavailable,
    /// Stored bytes are not what they must be.
    Corrupt,
    /// Another writer was faster or has taken over.
    Conflict,
    /// Stopped on request.
    Cancelled,
    /// Everything else.
    Other,
}

/// Whether trying the same call again helps, and what has to happen first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// It may succeed in a moment without anyone changing anything.
    Soon,
    /// Somebody has to put something right outside: renew credentials, create a bucket, grant a permission. A
    /// program that runs on keeps trying; one that somebody waits for tries a few times and gives up.
    OnceFixed,
    /// It will fail in the same way.
    Never,
}

impl Category {
    /// Its name, lower case, as it stands in metrics and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
            Self::Conflict => "conflict",
            Self::Cancelled => "cancelled",
            Self::Other => "other",
        }
    }

    /// Whether trying again helps.
    pub fn retry(self) -> Retry {
        match self {
            Self::Unavailable => Retry::Soon,
            Self::Denied | Self::NotFound | Self::Other => Retry::OnceFixed,
            Self::Invalid | Self::Corrupt | Self::Conflict | Self::Cancelled => Retry::Never,
        }
    }

    /// Whether the same call may succeed in a moment: [`Retry::Soon`].
    pub fn is_retryable(self) -> bool {
        self.retry() == Retry::Soon
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Category {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An error as it stands in reports and statistics: what sort it is, and all that it says, on one line.
///
/// ```
/// use bastion_core::error::{Category, Error, Failure};
///
/// let failure = Failure::from(&Error::NoRepository);
/// assert_eq!(failure.category, Category::NotFound);
/// assert_eq!(failure.to_string(), "there is no Bastion repository here (no bastion.json)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Failure {
    /// What sort of failure it is.
    pub category: Category,
    /// The error and everything beneath it, as [`chain`] has it.
    pub message: String,
}

impl Failure {
    /// An error of this category.
    pub fn new(category: Category, error: &dyn StdError) -> Self {
        Self { category, message: chain(error) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The error and everything beneath it, on one line: `a: b: c`. A cause that only repeats what was said is
/// left out.
///
/// ```
/// use bastion_core::{error::chain, store::StoreError};
///
/// let error = StoreError::Unavailable { key: "bastion.json".into(), source: "connection refused".into() };
/// assert_eq!(chain(&error), "the storage is unavailable (bastion.json): connection refused");
/// ```
pub fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut last = text.clone();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !said.is_empty() && !last.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
            last = said;
        }
        next = cause.source();
    }
    text
}
