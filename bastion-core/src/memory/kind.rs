use crate::object::{Kind, Scope};

/// A kind for [`MemoryCluster::add_kind`](super::MemoryCluster::add_kind).
pub fn kind(group: &str, version: &str, kind: &str, plural: &str, scope: Scope) -> Kind {
    Kind { group: group.into(), version: version.into(), kind: kind.into(), plural: plural.into(), scope }
}
