//! The annotation that marks what is backed up.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    SelectionError,
    grammar::{Dialect, check_key},
};

/// The annotation that marks an object, or a namespace for all that is in it: `backup/enabled=true` unless another
/// one is chosen.
///
/// An object's own annotation, whatever its value, wins over that of its namespace.
///
/// ```
/// use bastion_core::select::Marker;
///
/// let marker: Marker = "example.org/keep=yes".parse()?;
/// assert_eq!((marker.key(), marker.value()), ("example.org/keep", "yes"));
/// # Ok::<(), bastion_core::select::SelectionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Marker {
    key: String,
    value: String,
}

impl Default for Marker {
    fn default() -> Self {
        Self { key: "backup/enabled".to_owned(), value: "true".to_owned() }
    }
}

impl Marker {
    /// The annotation's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value that means yes; every other one means no.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl FromStr for Marker {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let wrong = || SelectionError::Marker { text: text.to_owned() };
        let (key, value) = text.split_once('=').ok_or_else(wrong)?;
        check_key(key, Dialect::Annotations).map_err(|_| wrong())?;
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

impl TryFrom<String> for Marker {
    type Error = SelectionError;

    fn try_from(text: String) -> Result<Self, SelectionError> {
        text.parse()
    }
}

impl From<Marker> for String {
    fn from(marker: Marker) -> Self {
        marker.to_string()
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}
