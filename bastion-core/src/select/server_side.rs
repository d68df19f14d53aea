//! What of a selection a server does itself; the rest is decided object by object.

use super::Selection;
use crate::{
    object::Scope,
    source::{Coverage, Proof},
};

/// What an API server does of a selection for the objects of one kind: it filters by labels, and lists a namespace
/// on its own. From this follows what an absent or deleted object proves.
///
/// ```
/// use bastion_core::{object::Scope, select::{Selection, ServerSide}, source::Proof};
///
/// let web = Selection::all().labels("app=web".parse()?);
/// let server = ServerSide::of(&web, Scope::Namespaced);
/// assert!(server.coverage().selector);
/// assert_eq!(server.proof_of_deletion(), Proof::LeftSelection);
/// # Ok::<(), bastion_core::select::SelectionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerSide {
    /// The selector that the server filters by.
    pub label_selector: Option<String>,
    /// These namespaces only, where not all are listed at once.
    pub namespaces: Option<Vec<String>>,
}

impl ServerSide {
    /// What a server does for the objects of a kind of this scope.
    pub fn of(selection: &Selection, scope: Scope) -> Self {
        let inside = scope == Scope::Namespaced && !selection.namespaces.is_empty();
        Self {
            label_selector: selection.labels.as_ref().map(ToString::to_string),
            namespaces: inside.then(|| selection.namespaces.iter().cloned().collect()),
        }
    }

    /// What a list looks at.
    pub fn coverage(&self) -> Coverage {
        Coverage {
            namespaces: self.namespaces.as_ref().map(|all| all.iter().map(|n| n.as_str().into()).collect()),
            selector: self.label_selector.is_some(),
        }
    }

    /// What DELETED proves in a watch: with a selector, the object may just as well have stopped matching.
    pub fn proof_of_deletion(&self) -> Proof {
        if self.label_selector.is_some() { Proof::LeftSelection } else { Proof::Watched }
    }

    /// Where one namespace is all that is looked at, its own path needs fewer rights and sends less.
    pub fn only_namespace(&self) -> Option<&str> {
        match self.namespaces.as_deref() {
            Some([only]) => Some(only),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_labels_and_namespaces_are_left_to_the_server() {
        let local = Selection::all().annotations("a=b".parse().unwrap()).max_bytes(1);
        let local = local.exclude_owned_by("Job".parse().unwrap()).exclude_namespace("x");
        let server = ServerSide::of(&local, Scope::Namespaced);
        assert_eq!(server, ServerSide { label_selector: None, namespaces: None });
        assert_eq!(server.coverage(), Coverage::default());
        assert_eq!(server.proof_of_deletion(), Proof::Watched);
    }

    #[test]
    fn a_selector_on_the_server_proves_no_deletion() {
        let selection = Selection::all().labels("app=web".parse().unwrap()).namespace("shop");
        let server = ServerSide::of(&selection, Scope::Namespaced);
        assert_eq!(server.coverage(), Coverage { namespaces: Some(vec!["shop".into()]), selector: true });
        assert_eq!((server.proof_of_deletion(), server.only_namespace()), (Proof::LeftSelection, Some("shop")));
        let of_cluster = ServerSide::of(&selection, Scope::Cluster);
        assert_eq!((of_cluster.coverage().namespaces, of_cluster.only_namespace()), (None, None));
        assert_eq!(ServerSide::of(&selection.namespace("mail"), Scope::Namespaced).only_namespace(), None);
    }
}
