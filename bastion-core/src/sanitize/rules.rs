//! The rules, one function each. A new one is added here and nowhere else (and counts `GENERATION` up if
//! what is hashed changes).

use crate::{
    manifest::{Manifest, Value},
    object::GroupKind,
};

mod completion;
mod fields;
mod restore;

pub(crate) use completion::{completion, ends};
pub(crate) use fields::is;
pub(crate) use restore::{TOKEN_SECRET, is_generated};

/// The annotation in which client-side `kubectl apply` keeps what it applied.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// One rule for objects of every kind.
pub(super) type Rule = fn(&mut Manifest);

/// The rules for objects of every kind, in order.
pub(super) const EVERY_KIND: &[Rule] = &[
    uid,
    resource_version,
    generation,
    creation_timestamp,
    deletion_timestamp,
    deletion_grace_period_seconds,
    self_link,
    managed_fields,
    last_applied,
];

/// The uid names one life of the object; the record has it.
fn uid(manifest: &mut Manifest) {
    manifest.remove(&["metadata", "uid"]);
}

/// The resourceVersion changes with every write, of status too; the record has it.
fn resource_version(manifest: &mut Manifest) {
    manifest.remove(&["metadata", "resourceVersion"]);
}

/// The generation counts changes of the spec in one life.
fn generation(manifest: &mut Manifest) {
    manifest.remove(&["metadata", "generation"]);
}

/// When it was created is kept beside the body.
fn creation_timestamp(manifest: &mut Manifest) {
    manifest.remove(&["metadata", "creationTimestamp"]);
}

/// Being deleted is not content; once it is gone a record says so.
fn deletion_timestamp(manifest: &mut Manifest) {
    manifest.remove(&["metadata", "deletionTimestamp"]);
}

/// Goes with the deletion timestamp.
fn deletion_grace_period_seconds(manifest: &mut Manifest) {
    manifest.remove(&["metadata", "deletionGracePeriodSeconds"]);
}

/// Old API servers' own address of the object.
fn self_link(manifest: &mut Manifest) {
    manifest.remove(&["metadata", "selfLink"]);
}

/// Who owns which field changes with every write, its times with none of the content changed.
fn managed_fields(manifest: &mut Manifest) {
    manifest.remove(&["metadata", "managedFields"]);
}

/// A second copy of the object, up to twice its size, and its own version of what was wanted. Kept beside
/// the body.
fn last_applied(manifest: &mut Manifest) {
    manifest.remove(&["metadata", "annotations", LAST_APPLIED]);
}

/// Empty labels and annotations are none.
pub(super) fn empty_metadata_maps(manifest: &mut Manifest) {
    for key in ["labels", "annotations"] {
        if manifest.get(&["metadata", key]).is_some_and(Value::is_empty_map) {
            manifest.remove(&["metadata", key]);
        }
    }
}

/// What a cluster writes into objects of its built-in kinds and refuses, or misreads, when it is created
/// anew.
pub(super) fn for_restore(kind: &GroupKind, manifest: &mut Manifest) {
    restore::apply(kind, manifest);
}
