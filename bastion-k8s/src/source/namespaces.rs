//! The annotations of namespaces, which decide over everything in them.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use bastion_core::{
    object::{Kind, ResourceVersion, Scope},
    source::Observation,
};
use futures::StreamExt;
use tokio::sync::watch;

use crate::{client::Client, error::Result, http::pages::Pages, meta::Head, source::follow::Follower};

/// The kind of namespaces themselves.
pub(crate) fn kind() -> Kind {
    Kind {
        group: "".into(),
        version: "v1".into(),
        kind: "Namespace".into(),
        plural: "namespaces".into(),
        scope: Scope::Cluster,
    }
}

/// What is known of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    enabled: Option<bool>,
    at: ResourceVersion,
    /// Number of the change that last touched `enabled`.
    changed: u64,
}

/// The annotations of all namespaces, shared by the streams of all kinds.
#[derive(Debug, Clone)]
pub(crate) struct Namespaces {
    all: Arc<RwLock<BTreeMap<String, Entry>>>,
    /// Counts changes; 0 until all namespaces were seen once.
    changes: Arc<watch::Sender<u64>>,
}

impl Namespaces {
    pub(crate) fn new() -> Self {
        Self { all: Arc::default(), changes: Arc::new(watch::Sender::new(0)) }
    }

    /// Lists them once.
    pub(crate) async fn load(client: &Client) -> Result<Self> {
        let namespaces = Self::new();
        let mut pages = Pages::everywhere(client.clone(), kind(), None);
        while let Some(page) = pages.next().await? {
            for item in page {
                namespaces.take(&item, 1);
            }
        }
        namespaces.changes.send_replace(1);
        Ok(namespaces)
    }

    /// Keeps them up to date until it is dropped.
    pub(crate) async fn follow(self, client: Client) {
        let mut stream = std::pin::pin!(Follower::everything(client, kind()).stream());
        while let Some(observation) = stream.next().await {
            let number = *self.changes.borrow() + 1;
            let changed = match observation {
                Ok(Observation::Object(o)) => self.take(&o.body, number) && number > 1,
                // A namespace that is gone stays known: late events of its objects still ask for it.
                Ok(Observation::Complete { .. }) => number == 1,
                Ok(_) => false,
                Err(error) => {
                    tracing::warn!(%error, "annotations of namespaces cannot be followed");
                    false
                }
            };
            if changed {
                self.changes.send_replace(number);
            }
        }
    }

    /// Takes note of one namespace, where no more are needed.
    pub(crate) fn learn(&self, object: &[u8]) {
        self.take(object, 1);
    }

    /// Takes note of a namespace; says whether its annotation changed.
    fn take(&self, object: &[u8], number: u64) -> bool {
        let Ok(head) = Head::parse(object) else { return false };
        let at = ResourceVersion::new(head.metadata.resource_version.as_ref());
        let enabled = head.metadata.annotations.0;
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let before = all.get(head.metadata.name.as_ref());
        // A namespace that was never seen had no annotation: nothing in it was judged by one.
        let changed = before.map_or(enabled.is_some(), |b| b.enabled != enabled);
        let number = if changed { number } else { before.map_or(0, |b| b.changed) };
        all.insert(head.metadata.name.into_owned(), Entry { enabled, at, changed: number });
        changed
    }

    /// The annotation's value on that namespace.
    pub(crate) fn enabled(&self, namespace: &str) -> Option<bool> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).get(namespace).and_then(|e| e.enabled)
    }

    /// Whether all namespaces were seen once.
    pub(crate) fn ready(&self) -> bool {
        *self.changes.borrow() > 0
    }

    /// Tells of further changes.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Namespaces whose annotation changed after that change.
    pub(crate) fn changed_since(&self, number: u64) -> Vec<String> {
        self.names(|entry| entry.changed > number)
    }

    /// Namespaces that were touched after that resourceVersion: their annotation may have changed while
    /// nobody looked. (One counter numbers everything that one etcd holds.)
    pub(crate) fn touched_since(&self, at: &ResourceVersion) -> Vec<String> {
        self.names(|entry| match (entry.at.number(), at.number()) {
            (Some(touched), Some(at)) => touched > at,
            _ => true,
        })
    }

    fn names(&self, which: impl Fn(&Entry) -> bool) -> Vec<String> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|(_, entry)| which(entry)).map(|(name, _)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(name: &str, at: u64, value: &str) -> String {
        format!(
            r#"{{"metadata":{{"name":"{name}","resourceVersion":"{at}","annotations":{{"backup/enabled":{value}}}}}}}"#
        )
    }

    #[test]
    fn only_a_changed_annotation_is_a_change() {
        let all = Namespaces::new();
        assert!(all.take(namespace("shop", 5, r#""true""#).as_bytes(), 1));
        assert!(!all.take(namespace("shop", 6, r#""true""#).as_bytes(), 2), "another change of the namespace");
        assert!(!all.take(namespace("bare", 7, "null").as_bytes(), 3), "a new one without annotation");
        assert!(all.changed_since(1).is_empty());
        assert!(all.take(namespace("shop", 9, r#""false""#).as_bytes(), 4));
        assert_eq!(all.changed_since(1), ["shop"]);
        assert_eq!(all.enabled("shop"), Some(false));
        assert_eq!((all.enabled("bare"), all.enabled("other")), (None, None));
        assert_eq!(all.touched_since(&7.into()), ["shop"]);
        assert_eq!(all.touched_since(&ResourceVersion::new("odd")), ["bare", "shop"]);
    }
}
