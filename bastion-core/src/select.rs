//! What is backed up: a pure description, and the decisions made from it.
//!
//! A [`Selection`] says which objects of a cluster are wanted: by kind, namespace, labels, annotations, owner and
//! size. Whether an object is one of them is a pure function of a few [`Facts`] about it, so a source of any
//! kind, a test and a dry run all decide alike. A source may let its server do part of the work (a Kubernetes API
//! server filters by label); the result is the same.
//!
//! ```
//! use std::collections::BTreeMap;
//! use bastion_core::select::{Facts, Match, Selection};
//!
//! let selection = Selection::all().namespace("shop").labels("app in (web,api),!canary".parse()?);
//! let labels = BTreeMap::from([("app", "web")]);
//! let web = Facts::new("apps", "Deployment", "shop", "web").labels(&labels);
//! assert_eq!(selection.decide(&web), Match::Selected);
//! # Ok::<(), bastion_core::select::SelectionError>(())
//! ```

mod decide;
mod error;
mod fields;
mod grammar;
mod kind;
mod marker;
mod names;
mod requirement;
mod selection;
mod selector;
mod server_side;

pub use decide::{Facts, Match, Needs, Reason};
pub use error::{Key, SelectionError};
pub use fields::Fields;
pub use kind::KindWord;
pub use marker::Marker;
pub use names::built_in_plurals;
pub use selection::{Mode, Selection};
pub use selector::{AnnotationSelector, LabelSelector};
pub use server_side::ServerSide;

#[cfg(test)]
mod tests;
