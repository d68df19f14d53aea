//! The objects that were saved, by name.

use crate::{object::ObjectId, record::RevisionState};

/// How many of the objects that were saved are remembered by name.
pub(super) const REMEMBERED: usize = 128;

/// An object whose change became durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Which.
    pub id: ObjectId,
    /// What became of it.
    pub state: RevisionState,
    /// Number of the revision.
    pub revision: u64,
}
