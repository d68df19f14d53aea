//! What the log records: [`Change`]s go in, [`Revision`]s come out.
//!
//! A program that runs the [engine](crate::engine) only reads revisions:
//!
//! ```
//! # use bastion_core::{memory::MemoryCluster, prelude::*, store::MemoryStore};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let cluster = MemoryCluster::new("production");
//! # let source = std::sync::Arc::new(cluster.list());
//! # let repo = Repository::init(std::sync::Arc::new(MemoryStore::new()), InitOptions::default()).await?;
//! # let writer = repo.writer("production", WriterOptions::new(source.cluster_uid().await?, "backup")).await?;
//! # Engine::new(source, writer, EngineOptions::default()).run(CancellationToken::new()).await?;
//! use bastion_core::{object::{GroupKind, ObjectId}, record::RevisionState};
//!
//! let id = ObjectId::new(&GroupKind::new("", "Namespace"), "", "default");
//! let history = repo.snapshot("production").await?.history(&id).await?;
//! assert_eq!((history[0].number, history[0].state), (1, RevisionState::Put));
//! # Ok(())
//! # }
//! ```

use std::{cmp::Ordering, sync::Arc};

use bytes::Bytes;
use serde::Serialize;

use crate::{
    hash::Digest,
    object::{GroupKind, ObjectId, ResourceVersion},
    source::Proof,
    time::Timestamp,
};

mod place;

pub(crate) use place::{BodyFile, Place};

/// Orders the states of one object: by incarnation, then by resourceVersion, never by a clock. Where
/// resourceVersions are not numbers the order of the log decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Order {
    /// Counts restores of etcd and adoptions of the log; see `docs/format.md`.
    pub incarnation: u32,
    /// The resourceVersion of the state, or of the event or list that proves a deletion.
    pub resource_version: ResourceVersion,
}

impl Order {
    /// Whether this is older or newer than `other`. `Equal` is a tie, which the order of the log breaks.
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

/// What is kept of an object beside the body that is hashed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
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

/// What became of an object, as it is written to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
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

impl Change {
    /// A change of the object `id`, read in that API version (without the group).
    pub fn new(id: ObjectId, version: impl Into<Arc<str>>, resource_version: ResourceVersion, what: What) -> Self {
        Self { id, version: version.into(), uid: "".into(), resource_version, policy: "".into(), what }
    }

    /// The object's uid.
    #[must_use]
    pub fn uid(mut self, uid: impl Into<Arc<str>>) -> Self {
        self.uid = uid.into();
        self
    }

    /// The policy that saw it.
    #[must_use]
    pub fn policy(mut self, policy: impl Into<Arc<str>>) -> Self {
        self.policy = policy.into();
        self
    }
}

/// The newest state of an object as the index has it: enough to tell whether an object changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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

/// The resourceVersion up to which everything of a kind is durable or unchanged, for one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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

impl Position {
    /// The position of a policy in a kind. The fingerprint says by which rules everything up to it was made.
    pub fn new(
        policy: impl Into<Arc<str>>,
        kind: GroupKind,
        resource_version: ResourceVersion,
        fingerprint: impl Into<Arc<str>>,
    ) -> Self {
        Self { policy: policy.into(), kind, resource_version, fingerprint: fingerprint.into() }
    }
}

/// Deletions of a kind that the brake withholds until somebody acknowledges them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
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

impl Withheld {
    /// `count` of `of` objects of a kind that vanished, withheld since then.
    pub fn new(kind: GroupKind, policy: impl Into<Arc<str>>, count: u64, of: u64, since: Timestamp) -> Self {
        Self { kind, policy: policy.into(), count, of, since, examples: Vec::new() }
    }

    /// Some of their names, for people.
    #[must_use]
    pub fn examples(mut self, names: Vec<Arc<str>>) -> Self {
        self.examples = names;
        self
    }

    /// Acknowledges them; `by` says who, for people.
    pub fn acknowledge(&self, by: impl Into<Arc<str>>) -> Acknowledgement {
        Acknowledgement { kind: self.kind.clone(), policy: self.policy.clone(), since: self.since, by: by.into() }
    }
}

/// Somebody acknowledged that the deletions which the brake withholds are meant: `bastion deletions accept`.
///
/// Made by [`Withheld::acknowledge`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
pub struct Revision {
    /// Which object.
    pub id: ObjectId,
    /// The API version that it was read in.
    pub version: Arc<str>,
    /// Its uid; empty where unknown.
    pub uid: Arc<str>,
    /// Its place in the order.
    pub order: Order,
    /// Number of the commit that it came with; people call the revision by it.
    pub number: u64,
    /// When that commit was made.
    pub at: Timestamp,
    /// What became of the object.
    pub state: RevisionState,
    /// Digest of the body; zero unless `state` is `Put`.
    pub digest: Digest,
    /// Where the body lies; `None` unless `state` is `Put`.
    pub(crate) place: Option<Place>,
    /// The policy that recorded it.
    pub policy: Arc<str>,
}

impl Revision {
    /// Bytes of its body; `None` unless `state` is `Put`.
    pub fn size(&self) -> Option<u32> {
        self.place.map(|place| place.len)
    }
}
