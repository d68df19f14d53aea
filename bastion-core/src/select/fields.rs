//! Labels and annotations, however they are kept.

use std::{borrow::Borrow, collections::BTreeMap, sync::Arc};

use crate::manifest::{Map, Value};

/// Labels or annotations of an object, looked up by key.
pub trait Fields {
    /// The value of that key; `None` where it is not set.
    fn value(&self, key: &str) -> Option<&str>;
}

/// None at all.
impl Fields for () {
    fn value(&self, _key: &str) -> Option<&str> {
        None
    }
}

impl Fields for Map {
    fn value(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }
}

impl<K: Borrow<str> + Ord, V: AsRef<str>> Fields for BTreeMap<K, V> {
    fn value(&self, key: &str) -> Option<&str> {
        self.get(key).map(AsRef::as_ref)
    }
}

/// A few pairs, in any order.
impl<K: AsRef<str>, V: AsRef<str>> Fields for Vec<(K, V)> {
    fn value(&self, key: &str) -> Option<&str> {
        self.iter().find(|(k, _)| k.as_ref() == key).map(|(_, v)| v.as_ref())
    }
}

impl<F: Fields> Fields for Option<F> {
    fn value(&self, key: &str) -> Option<&str> {
        self.as_ref().and_then(|fields| fields.value(key))
    }
}

impl<F: Fields + ?Sized> Fields for Arc<F> {
    fn value(&self, key: &str) -> Option<&str> {
        (**self).value(key)
    }
}

impl<F: Fields + ?Sized> Fields for &F {
    fn value(&self, key: &str) -> Option<&str> {
        (**self).value(key)
    }
}
