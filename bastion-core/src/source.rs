//! Where objects come from: the [`Source`] trait and what it observes.
//!
//! bastion-k8s has sources for real clusters, [`memory`](crate::memory) one for tests. What a list did not show or
//! a watch reported as deleted comes with its [`Coverage`] or [`Proof`], so that a partial list can never become a
//! deletion.
//!
//! ```
//! use bastion_core::{memory::MemoryCluster, source::{KindChange, Observation, Source}};
//! use futures::StreamExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), bastion_core::source::SourceError> {
//! let source = MemoryCluster::new("production").list();
//! let kinds: Vec<_> = source.kinds().collect().await;
//! let namespaces = kinds.iter().find_map(|change| match change {
//!     KindChange::Added(kind) if &*kind.kind == "Namespace" => Some(kind),
//!     _ => None,
//! });
//! let mut observations = source.observe(namespaces.unwrap(), None);
//! assert!(matches!(observations.next().await, Some(Ok(Observation::Begin(_)))));
//! # Ok(())
//! # }
//! ```

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::{
    failure::{Category, Cause, Failure},
    object::{GroupKind, Kind, ObjectId, ResourceVersion},
};

/// An object as the API server gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Which object.
    pub id: ObjectId,
    /// Its resourceVersion.
    pub resource_version: ResourceVersion,
    /// Its JSON, untouched.
    pub body: Bytes,
}

/// What a list covers. Absence proves something only within it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// These namespaces only; `None` means all of them and the objects of the cluster itself.
    pub namespaces: Option<Vec<Arc<str>>>,
    /// Whether the server filtered by a label or field selector: then an absent object may merely no longer
    /// match, and only a GET can tell.
    pub selector: bool,
}

/// How it is known that an object is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proof {
    /// A watch without a selector sent DELETED, at that resourceVersion.
    Watched,
    /// A watch with a selector sent DELETED: the object is gone or no longer matches. Only a GET can tell.
    LeftSelection,
    /// A complete list without a selector did not have it.
    Absent,
    /// A GET was answered with 404.
    NotFound,
}

/// What a source observed of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Observation {
    /// A list begins: every object that exists within the coverage follows, then `Complete`. A list that is cut off
    /// begins again. While a watch runs a part may be listed (a namespace whose selection changed).
    Begin(Coverage),
    /// The object exists and is selected.
    Object(Observed),
    /// The object exists and is selected; its content was not read. If the log does not have it at that
    /// resourceVersion, the engine reads it by a GET.
    Exists {
        /// Which object.
        id: ObjectId,
        /// Its resourceVersion.
        at: ResourceVersion,
    },
    /// The object exists and is not selected: if its newest revision was saved under this policy, it is released.
    Unselected {
        /// Which object.
        id: ObjectId,
        /// Its resourceVersion.
        at: ResourceVersion,
    },
    /// The list is complete, as of `at`. A list that fails or is cut off never gets here.
    Complete {
        /// The list's own resourceVersion.
        at: ResourceVersion,
        /// Where to resume after it: `at`, or earlier if what selects (namespaces) is known only up to there.
        resume: ResourceVersion,
    },
    /// The object is gone.
    Gone {
        /// Which object.
        id: ObjectId,
        /// The resourceVersion of the event or list that proves it: a newer state of the object stays.
        at: ResourceVersion,
        /// How it is known.
        proof: Proof,
    },
    /// Everything up to here was observed (a bookmark). Apart from the `Complete` of a first list only this moves
    /// the saved position. The resourceVersion of an object never does, so an object may be read apart from the
    /// watch and reported at any time.
    Mark(ResourceVersion),
    /// The saved position was too old (410). A list follows.
    Expired,
    /// The cluster's resourceVersion is below the saved position: etcd was restored from a backup. A list follows,
    /// of which absence deletes nothing, and then a new incarnation begins.
    Rewound {
        /// What the cluster's resourceVersion is now.
        now: ResourceVersion,
    },
}

/// A change of the kinds that are served and selected.
#[derive(Debug)]
#[non_exhaustive]
pub enum KindChange {
    /// The kind is served and selected: follow it.
    Added(Kind),
    /// The kind is no longer served in this version, or at all. This proves nothing about its objects.
    Removed(GroupKind),
    /// The CRD that defined the kind is gone, and with it every object of the kind.
    Undefined(GroupKind),
    /// Every kind that exists now has been reported; more may come later.
    Settled,
    /// Discovery failed in part (an `APIService` is down): these kinds stay as they were.
    Failed {
        /// Which group, or what else.
        what: String,
        /// Why.
        error: SourceError,
    },
    /// A kind that exists is not followed: no permission, no list verb, or it changes all day by itself.
    Skipped {
        /// Which kind.
        kind: GroupKind,
        /// Why, for `status`.
        why: String,
    },
}

/// A cluster that can be listed, and watched where the source is continuous.
///
/// The contract:
/// - A *one-shot* source lists and ends; a *continuous* one goes on with what changes. The engine learns which it is
///   from the end of the streams alone.
/// - Sources retry by themselves. An `Err` item is information: the stream goes on as long as the source keeps trying,
///   and ends when it gives up.
/// - Nothing is reported as gone without proof: a list ends with `Complete` only if it was read to its end, and
///   says in its [`Coverage`] what it covers.
/// - Every method may be called at any time and as often as needed; dropping a stream stops its requests.
#[async_trait]
pub trait Source: Debug + Send + Sync + 'static {
    /// The uid of namespace `kube-system`, which identifies the cluster whatever a kubeconfig calls it.
    async fn cluster_uid(&self) -> Result<String, SourceError>;

    /// The name of the selection. Revisions and positions carry it, and only what was saved under a policy is
    /// released by it.
    fn policy(&self) -> Arc<str>;

    /// Differs for every selection: saved with positions, so that another selection lists anew.
    fn selection_fingerprint(&self) -> String;

    /// The kinds to follow. A one-shot source ends after `Settled`.
    fn kinds(&self) -> BoxStream<'static, KindChange>;

    /// The objects of a kind: a list, or what happened after `from`. A one-shot source always lists and ends after
    /// `Complete`.
    fn observe(
        &self,
        kind: &Kind,
        from: Option<ResourceVersion>,
    ) -> BoxStream<'static, Result<Observation, SourceError>>;

    /// As `observe` from nothing, for a kind that the log already has: a source that can list names without
    /// content answers with [`Observation::Exists`], any other with what `observe(kind, None)` gives.
    fn compare(&self, kind: &Kind) -> BoxStream<'static, Result<Observation, SourceError>>;

    /// One object as it is now. `None` proves that it is gone: the API server itself answered 404, for a kind that it
    /// serves. Anything else that prevents an answer is an error.
    async fn get(&self, kind: &Kind, id: &ObjectId) -> Result<Option<Current>, SourceError>;
}

/// An object as a GET shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    /// The object.
    pub observed: Observed,
    /// Whether the selection takes it.
    pub selected: bool,
}

/// Why a source could not read.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
#[non_exhaustive]
pub struct SourceError {
    /// What was being done, to which kind or object, and what to do about it.
    pub what: String,
    /// What sort of failure.
    pub category: Category,
    /// What the cluster said.
    #[source]
    pub source: Option<Cause>,
}

impl SourceError {
    /// A failure of this category. `what` says what was being done, to which object or kind.
    pub fn new(category: Category, what: impl Into<String>) -> Self {
        Self { what: what.into(), category, source: None }
    }

    /// With what the cluster answered, or what else went wrong beneath.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Option<Cause>>) -> Self {
        self.source = source.into();
        self
    }

    /// What sort of failure this is.
    pub fn category(&self) -> Category {
        self.category
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.category.is_retryable()
    }
}

impl From<&SourceError> for Failure {
    fn from(error: &SourceError) -> Self {
        Self::new(error.category, error)
    }
}
