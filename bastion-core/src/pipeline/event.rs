//! What happened to an object, as the queue keeps it until a worker takes it up.

use crate::{object::ResourceVersion, pipeline::budget::Held, source::Proof};

/// The latest that a source showed of an object.
#[derive(Debug)]
pub(crate) enum ObjectEvent {
    /// It exists and is selected.
    Present {
        /// Its resourceVersion.
        at: ResourceVersion,
        /// Its JSON; `None` where there was no room to keep it: it is read again when its turn comes.
        body: Option<Held>,
    },
    /// It exists and is not selected.
    Unselected {
        /// Its resourceVersion.
        at: ResourceVersion,
    },
    /// It is gone, or may be.
    Gone {
        /// resourceVersion of the event or list that says so.
        at: ResourceVersion,
        /// How it is known.
        proof: Proof,
    },
    /// Another writer committed an older state than was seen here: it is read again.
    Recheck {
        /// resourceVersion of what the other committed.
        at: ResourceVersion,
    },
}

impl ObjectEvent {
    pub(crate) fn at(&self) -> &ResourceVersion {
        match self {
            Self::Present { at, .. } | Self::Unselected { at } | Self::Gone { at, .. } | Self::Recheck { at } => at,
        }
    }

    /// The resourceVersion at which it was seen to exist, if it was.
    pub(crate) fn exists(&self) -> Option<&ResourceVersion> {
        match self {
            Self::Present { at, .. } | Self::Recheck { at } => Some(at),
            Self::Unselected { .. } | Self::Gone { .. } => None,
        }
    }

    /// How many bytes of body it holds.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Present { body: Some(held), .. } => held.bytes.len(),
            _ => 0,
        }
    }
}
