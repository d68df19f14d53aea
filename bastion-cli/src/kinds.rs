//! How kinds are printed and completed.

use bastion_sdk::core::{object::GroupKind, select::built_in_plurals};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

/// The kind in front of a name, as `-o name` prints it: `deployment.apps`, `configmap`.
pub(crate) fn name_prefix(kind: &GroupKind) -> String {
    kind.to_string().to_lowercase()
}

/// Completes the built-in kinds; those of custom resources need the repository and are typed.
pub(crate) fn completer() -> ArgValueCandidates {
    ArgValueCandidates::new(|| built_in_plurals().map(CompletionCandidate::new).collect())
}
