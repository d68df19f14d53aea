//! Where objects come from: the [`Source`] trait and the observations that it yields.

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

/// What a list looked at. Absence proves something only inside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// These namespaces only; `None` means all of them and the objects of the cluster itself.
    pub namespaces: Option<Vec<Arc<str>>>,
    /// Whether the server filtered by label or field selector: then absence means "no longer matches"
    /// just as well as "deleted", and only a GET tells.
    pub selector: bool,
}

/// Why an object is held to be gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proof {
    /// A watch without selector said DELETED, at that resourceVersion.
    Watched,
    /// A watch with a selector said DELETED: gone, or merely no longer matching. Only a GET tells.
    LeftSelection,
    /// It was absent from a complete list without selector.
    Absent,
    /// A GET said 404.
    NotFound,
}

/// One thing that a source saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// A list begins; until `Complete`, every object that exists inside the coverage follows. A list that is
    /// cut is begun again. Beside a running watch a part may be listed (one namespace that was re-evaluated).
    Begin(Coverage),
    /// The object exists and is selected.
    Object(Observed),
    /// The object exists and is selected; its content was not read. Where the log does not have it at that
    /// resourceVersion it is read by a GET.
    Exists {
        /// Which object.
        id: ObjectId,
        /// Its resourceVersion.
        at: ResourceVersion,
    },
    /// The object exists and is not selected: if its newest state was put under this policy, it is released.
    Unselected {
        /// Which object.
        id: ObjectId,
        /// Its resourceVersion.
        at: ResourceVersion,
    },
    /// The list that began is complete, as of `at`. A list that fails or is cut never says this.
    Complete {
        /// The list's own resourceVersion.
        at: ResourceVersion,
        /// Where to resume after it: `at`, or earlier where what selects is known only up to there.
        resume: ResourceVersion,
    },
    /// The object is gone.
    Gone {
        /// Which object.
        id: ObjectId,
        /// The resourceVersion of the event or list that proves it: whatever is newer survives.
        at: ResourceVersion,
        /// How it is known.
        proof: Proof,
    },
    /// Everything up to here was seen (a bookmark). Beside the `Complete` of a list that nothing came before,
    /// only this moves the saved position: the resourceVersions of single objects never do, so an object may
    /// be read beside the watch and reported at any time.
    Mark(ResourceVersion),
    /// The saved position was too old (410): a list follows, if the stream is read on.
    Expired,
    /// The cluster's resourceVersion is below the saved position: etcd was restored from a backup. A list
    /// follows; nothing is deleted on its word, and a new incarnation begins after it.
    Rewound {
        /// What the cluster's resourceVersion is now.
        now: ResourceVersion,
    },
}

/// A change in what can be followed.
#[derive(Debug)]
pub enum KindChange {
    /// The kind is served and selected: follow it.
    Added(Kind),
    /// The kind is no longer served, or in another version. Of its objects this says nothing.
    Removed(GroupKind),
    /// The CRD that defined the kind is gone, and with it, as Kubernetes has it, every object.
    Undefined(GroupKind),
    /// Every kind that is there now was named; more may come later.
    Settled,
    /// Part of discovery failed (a dead APIService): these stay as they were.
    Failed {
        /// Which group, or what else.
        what: String,
        /// Why.
        error: SourceError,
    },
    /// A kind that exists is not followed, and why: no permission, changes all day by itself, no list verb.
    Skipped {
        /// Which kind.
        kind: GroupKind,
        /// Why, for `status`.
        why: String,
    },
}

/// A cluster that can be listed, and watched where the source is continuous.
///
/// A source retries by itself what can be retried (an `Err` item is then a report, and the stream goes on);
/// after an error that cannot be retried its stream ends.
#[async_trait]
pub trait Source: Debug + Send + Sync + 'static {
    /// uid of namespace `kube-system`: names the cluster, whatever a kubeconfig calls it.
    async fn cluster_uid(&self) -> Result<String, SourceError>;

    /// Name of what is selected: records and positions carry it, and only the objects of a policy are
    /// released by it.
    fn policy(&self) -> Arc<str>;

    /// Changes whenever the selection does; part of the fingerprint that is saved with positions.
    fn selection_fingerprint(&self) -> String;

    /// The kinds to follow. A one-shot source's stream ends after `Settled`.
    fn kinds(&self) -> BoxStream<'static, KindChange>;

    /// The objects of a kind: from a list, or resumed after `from`. A one-shot source ends after `Complete`.
    fn observe(
        &self,
        kind: &Kind,
        from: Option<ResourceVersion>,
    ) -> BoxStream<'static, Result<Observation, SourceError>>;

    /// As `observe` from nothing, for a kind that the log already has: objects may be shown without their
    /// content.
    fn compare(&self, kind: &Kind) -> BoxStream<'static, Result<Observation, SourceError>> {
        self.observe(kind, None)
    }

    /// One object as it is now, for bodies that were let go and for the 404 that proves: `None` is the API
    /// server's own 404 for an existing kind and namespace path, nothing less.
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

/// Why a source could not look.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
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
    /// What sort of failure this is.
    pub fn category(&self) -> Category {
        self.category
    }

    /// Whether the same look may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.category.is_retryable()
    }
}

impl From<&SourceError> for Failure {
    fn from(error: &SourceError) -> Self {
        Self::new(error.category, error)
    }
}
