//! One requirement of a selector, and what it means.

use std::collections::BTreeSet;

/// A key, and what its value must be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Requirement {
    pub(super) key: String,
    pub(super) wanted: Wanted,
}

/// What is wanted of a key's value, as Kubernetes defines it: the negative forms hold where the key is not set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Wanted {
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Set,
    NotSet,
    Above(i64),
    Below(i64),
}

impl Requirement {
    /// Whether it holds for that value of its key.
    pub(super) fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|v| v.parse::<i64>().ok());
        match &self.wanted {
            Wanted::In(values) => value.is_some_and(|v| values.contains(v)),
            Wanted::NotIn(values) => value.is_none_or(|v| !values.contains(v)),
            Wanted::Set => value.is_some(),
            Wanted::NotSet => value.is_none(),
            Wanted::Above(limit) => number().is_some_and(|n| n > *limit),
            Wanted::Below(limit) => number().is_some_and(|n| n < *limit),
        }
    }
}
