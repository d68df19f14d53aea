//! Objects as trees of values, parsed from the API server's JSON.
//!
//! What is to be left out (`status`, most of `managedFields`) is skipped while parsing and never takes memory.
//!
//! ```
//! use bastion_core::manifest::{Manifest, Path, PathSet};
//!
//! let skip: PathSet = [Path::of(&["status"])].into_iter().collect();
//! let json = br#"{"kind":"Pod","metadata":{"name":"web","labels":{"app":"shop"}},"status":{"phase":"Running"}}"#;
//! let manifest = Manifest::parse(json, &skip)?;
//! assert_eq!((manifest.name(), manifest.label("app")), (Some("web"), Some("shop")));
//! assert!(manifest.get(&["status"]).is_none());
//! # Ok::<(), bastion_core::manifest::ManifestError>(())
//! ```

mod error;
mod owner;
mod parse;
mod path;
mod text;
mod tree;
mod value;

pub use error::{MAX_DEPTH, ManifestError};
pub use owner::OwnerReference;
#[cfg(feature = "yaml")]
pub(crate) use parse::Seed;
pub use path::{Path, PathError, PathSegment, PathSet};
pub use text::Text;
pub use tree::Manifest;
pub use value::{Map, Value};

#[cfg(test)]
pub(crate) mod tests;
