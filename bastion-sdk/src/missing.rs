//! What was asked for and is not there.

use std::fmt;

use bastion_core::object::{GroupKind, ObjectId};

use crate::spec::ObjectWord;

/// What was asked for and is not there; [`remedy`](crate::remedy::remedy) has advice for each.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// The repository holds no cluster yet.
    Clusters,
    /// No stored object is called so.
    Object {
        /// What was asked for.
        object: ObjectWord,
        /// Where it was looked for; everywhere if `None`.
        namespace: Option<String>,
    },
    /// No kind that is stored is called so.
    Kind {
        /// What was asked for.
        word: String,
        /// The stored kind that is spelled most like it.
        nearest: Option<GroupKind>,
    },
    /// The object has no such revision.
    Revision {
        /// Which object.
        id: ObjectId,
        /// The number of the revision; `None` if the object was not saved yet at that time.
        number: Option<u64>,
        /// Its newest revisions, newest first, ten at most.
        newest: Vec<u64>,
    },
    /// No such deletions are held back.
    Deletions {
        /// The cluster's name in the repository.
        cluster: String,
    },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clusters => f.write_str("the repository is empty: no cluster was backed up yet"),
            Self::Object { object, namespace } => {
                write!(f, "no {} {:?} is saved", object.kind, object.name)?;
                namespace.as_ref().map_or(Ok(()), |name| write!(f, " in namespace {name}"))
            }
            Self::Kind { word, .. } => write!(f, "no kind {word:?} is saved"),
            Self::Revision { id, number: Some(number), .. } => write!(f, "{id} has no revision {number}"),
            Self::Revision { id, number: None, .. } => write!(f, "{id} was not saved yet at that time"),
            Self::Deletions { cluster } => write!(f, "no such deletions are held back for cluster {cluster:?}"),
        }
    }
}
