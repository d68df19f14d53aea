//! What the log says of objects: changes going in, revisions coming out.

use std::{cmp::Ordering, sync::Arc};

use bytes::Bytes;
use serde::Serialize;

use crate::{
    hash::Digest,
    object::{GroupKind, ObjectId, ResourceVersion},
    source::Proof,
    time::Timestamp,
};

/// Place of a state in the order of one object's states: by incarnation, then by resourceVersion. Never by
/// a clock. Where resourceVersions are no numbers the log's order decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Order {
    /// Which life of which etcd; see `docs/format.md`.
    pub incarnation: u32,
    /// The resourceVersion of the state, or of the event or list that proves a deletion.
    pub resource_version: ResourceVersion,
}

impl Order {
    /// Whether this is older or newer than `other`; `Equal` for a tie, which the place in the log breaks.
    pub fn compare(&self, other: &Self) -> Ordering {
        self.incarnation.cmp(&other.incarnation).then_with(|| {
            match (self.resource_version.number(), other.resource_version.number()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => Ordering::Equal,
            }
        })
    }
}

/// What became of an object, as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RevisionState {
    /// It exists with this content.
    Put,
    /// It was deleted.
    Deleted,
    /// It exists, but its policy no longer selects it.
    Released,
}

/// What is worth keeping of an object beside the body that was hashed: history written without these can
/// never gain them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extras {
    /// `metadata.creationTimestamp`, as it stood there.
    pub created: Option<Arc<str>>,
    /// The field manager that wrote last (by `managedFields[].time`).
    pub manager: Option<Arc<str>>,
    /// When that was, as it stood there.
    pub managed_at: Option<Arc<str>>,
    /// JSON pointers (RFC 6901) of fields that no manager owns: assigned IPs and ports.
    pub unowned: Vec<Arc<str>>,
    /// The annotation `kubectl.kubernetes.io/last-applied-configuration`.
    pub last_applied: Option<Arc<str>>,
    /// `status` as canonical JSON, where a rule keeps it.
    pub status: Option<Bytes>,
}

/// What became of an object, on its way into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It exists with this content.
    Put {
        /// The repository's digest of `body`.
        digest: Digest,
        /// The canonical bytes that were hashed.
        body: Bytes,
        /// What is kept beside the body.
        extras: Box<Extras>,
    },
    /// It was deleted.
    Deleted(Proof),
    /// It exists, but its policy no longer selects it.
    Released,
}

impl What {
    /// The word for it.
    pub fn state(&self) -> RevisionState {
        match self {
            Self::Put { .. } => RevisionState::Put,
            Self::Deleted(_) => RevisionState::Deleted,
            Self::Released => RevisionState::Released,
        }
    }
}

/// One change of one object, to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which object.
    pub id: ObjectId,
    /// The API version that it was read in, for example `v1beta1` (without the group).
    pub version: Arc<str>,
    /// Its uid; empty where unknown.
    pub uid: Arc<str>,
    /// resourceVersion of the state, or of what proves the deletion.
    pub resource_version: ResourceVersion,
    /// The policy that saw it.
    pub policy: Arc<str>,
    /// What became of it.
    pub what: What,
}

/// The newest state of an object as the index has it: all that a pipeline needs to tell changed from not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// Its place in the order.
    pub order: Order,
    /// What became of the object.
    pub state: RevisionState,
    /// Digest of the body; zero unless `state` is `Put`.
    pub digest: Digest,
    /// The policy that recorded it.
    pub policy: Arc<str>,
}

/// Up to where everything of a kind is durable or unchanged, for one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The policy.
    pub policy: Arc<str>,
    /// The kind (positions are per resource; a change of version is a new fingerprint).
    pub kind: GroupKind,
    /// The resourceVersion to resume a watch from.
    pub resource_version: ResourceVersion,
    /// Fingerprint of selection, sanitizer, digest and API version: another one means list anew.
    pub fingerprint: Arc<str>,
}

/// Deletions of a kind that the brake withholds until somebody acknowledges them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Withheld {
    /// The kind; a count of zero says that nothing is withheld any more.
    #[serde(serialize_with = "crate::serialize::display")]
    pub kind: GroupKind,
    /// The policy whose pipeline withholds them.
    #[serde(serialize_with = "crate::serialize::display")]
    pub policy: Arc<str>,
    /// How many objects vanished.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// Since when.
    pub since: Timestamp,
    /// Some of their names, for people.
    #[serde(serialize_with = "crate::serialize::display_all")]
    pub examples: Vec<Arc<str>>,
}

/// Somebody acknowledged that the deletions which the brake withholds are meant: `bastion deletions accept`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The kind whose deletions are meant.
    pub kind: GroupKind,
    /// The policy whose pipeline withholds them.
    pub policy: Arc<str>,
    /// [`Withheld::since`] of what is acknowledged: what is withheld later needs an acknowledgement of its own.
    pub since: Timestamp,
    /// Who acknowledged, for people.
    pub by: Arc<str>,
}

/// One state of one object as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Which object.
    pub id: ObjectId,
    /// The API version that it was read in.
    pub version: Arc<str>,
    /// Its uid; empty where unknown.
    pub uid: Arc<str>,
    /// Its place in the order.
    pub order: Order,
    /// The segment that holds it: the revision's number for people.
    pub segment: u64,
    /// That segment's time.
    pub at: Timestamp,
    /// What became of the object.
    pub state: RevisionState,
    /// Digest of the body; zero unless `state` is `Put`.
    pub digest: Digest,
    /// Where the body lies; `None` unless `state` is `Put`.
    pub place: Option<Place>,
    /// The policy that recorded it.
    pub policy: Arc<str>,
}

/// Which file holds a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BodyFile {
    /// The segment of that number.
    Segment(u64),
    /// The pack of that name.
    Pack(Digest),
}

/// Where a body lies: one range read and one decompression away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file.
    pub file: BodyFile,
    /// Where the compressed block starts in the file.
    pub block_start: u64,
    /// Length of the compressed block in bytes.
    pub block_len: u32,
    /// Length of the block decompressed.
    pub block_raw: u32,
    /// Where the body starts in the decompressed block.
    pub offset: u32,
    /// Length of the body.
    pub len: u32,
}
