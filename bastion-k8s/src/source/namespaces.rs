//! The annotations of namespaces, which decide over everything in them.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use bastion_core::{
    object::{Kind, ResourceVersion, Scope},
    source::Observation,
};
use tokio::sync::watch;

use crate::{attributes, client::Client, error::Result, http::pages::Pages, meta::Head};

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
    annotations: Annotations,
    at: ResourceVersion,
    /// Number of the change that last touched the annotations.
    changed: u64,
}

/// Those annotations of a namespace that the selection reads.
pub(crate) type Annotations = Arc<BTreeMap<String, String>>;

/// How much is known of the annotations.
#[derive(Debug, Clone, Default)]
struct Known {
    /// Number of the last change; 0 until all namespaces were seen once.
    change: u64,
    /// Every change up to here is among those that were counted.
    at: Option<ResourceVersion>,
}

/// The annotations of all namespaces, shared by the streams of all kinds.
#[derive(Debug, Clone)]
pub(crate) struct Namespaces {
    /// Keys of the annotations that are read.
    keys: Arc<[String]>,
    all: Arc<RwLock<BTreeMap<String, Entry>>>,
    known: Arc<watch::Sender<Known>>,
}

impl Namespaces {
    /// Nothing is known yet; annotations of these keys will be.
    pub(crate) fn new(keys: Vec<String>) -> Self {
        Self { keys: keys.into(), all: Arc::default(), known: Arc::new(watch::Sender::new(Known::default())) }
    }

    /// Lists them once.
    pub(crate) async fn load(client: &Client, keys: Vec<String>) -> Result<Self> {
        let namespaces = Self::new(keys);
        let mut pages = Pages::everywhere(client.clone(), kind(), None);
        while let Some(page) = pages.next().await? {
            for item in page {
                namespaces.update(&item, 1);
            }
        }
        namespaces.known.send_replace(Known { change: 1, at: Some(pages.at()) });
        Ok(namespaces)
    }

    /// Takes note of what the stream of namespaces says.
    pub(crate) fn apply(&self, observation: Observation) {
        let last = self.known.borrow().change;
        match observation {
            Observation::Object(o) => {
                let changed = self.update(&o.body, last + 1);
                if changed && last > 0 {
                    self.known.send_modify(|known| known.change = last + 1);
                }
            }
            Observation::Complete { at, .. } => {
                self.known.send_replace(Known { change: last.max(1), at: Some(at) });
            }
            Observation::Mark(at) | Observation::Rewound { now: at } => {
                self.known.send_modify(|known| known.at = Some(at));
            }
            // A namespace that is gone stays known: late events of its objects still ask for it.
            _ => {}
        }
    }

    /// Adds one namespace, where no more are needed.
    pub(crate) fn add(&self, object: &[u8]) {
        self.update(object, 1);
    }

    /// Adds or updates a namespace; returns whether its annotations changed.
    fn update(&self, object: &[u8], number: u64) -> bool {
        let Ok(head) = Head::parse(object) else { return false };
        let Ok(annotations) = attributes::annotations(&head.metadata, &self.keys) else { return false };
        let at = ResourceVersion::new(head.metadata.resource_version.as_ref());
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let before = all.get(head.metadata.name.as_ref());
        // A namespace that was never seen had no annotation: no decision depended on one.
        let changed = before.map_or(!annotations.is_empty(), |b| *b.annotations != annotations);
        let number = if changed { number } else { before.map_or(0, |b| b.changed) };
        all.insert(head.metadata.name.into_owned(), Entry { annotations: annotations.into(), at, changed: number });
        changed
    }

    /// The annotations of that namespace.
    pub(crate) fn annotations(&self, namespace: &str) -> Option<Annotations> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).get(namespace).map(|e| e.annotations.clone())
    }

    /// Whether all namespaces were seen once.
    pub(crate) fn ready(&self) -> bool {
        self.known.borrow().change > 0
    }

    /// Namespaces whose annotations changed after that change.
    fn changed_since(&self, number: u64) -> Vec<String> {
        self.names(|entry| entry.changed > number)
    }

    /// Namespaces that were touched after that resourceVersion: their annotations may have changed while
    /// nobody looked. (One counter numbers everything that one etcd holds.)
    fn touched_since(&self, at: &ResourceVersion) -> Vec<String> {
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

/// How far the stream of one kind has followed the changes.
#[derive(Debug)]
pub(crate) struct Followed {
    namespaces: Namespaces,
    news: watch::Receiver<Known>,
    known: Known,
}

impl Followed {
    pub(crate) fn new(namespaces: &Namespaces) -> Self {
        Self { namespaces: namespaces.clone(), news: namespaces.known.subscribe(), known: Known::default() }
    }

    /// Waits until all namespaces were seen once; `false` if nobody looks.
    pub(crate) async fn ready(&mut self) -> bool {
        self.news.wait_for(|now| now.change > 0).await.is_ok()
    }

    /// Waits for a change that was not followed yet.
    pub(crate) async fn changed(&mut self) {
        let last = self.known.change;
        if self.news.wait_for(|now| now.change > last).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Marks all changes as followed; returns the namespaces whose annotations changed since the last time.
    pub(crate) fn changes(&mut self) -> Vec<String> {
        let last = std::mem::replace(&mut self.known, self.news.borrow_and_update().clone()).change;
        self.namespaces.changed_since(last)
    }

    /// The same for a stream that goes on after `from`. One that has followed no change yet goes on from a
    /// saved position, and has missed whatever came after it.
    pub(crate) fn changes_after(&mut self, from: &ResourceVersion) -> Vec<String> {
        let first = self.known.change == 0;
        let changed = self.changes();
        if first { self.namespaces.touched_since(from) } else { changed }
    }

    /// Up to where everything was seen, for a stream that has got to `at`. The watch of namespaces is another
    /// one and may be behind: from a position past a change of an annotation nobody would find it again.
    pub(crate) fn position(&mut self, at: &ResourceVersion) -> ResourceVersion {
        let now = self.news.borrow();
        if now.change == self.known.change {
            self.known.at.clone_from(&now.at);
        }
        let behind = |known: &&ResourceVersion| known.number().zip(at.number()).is_some_and(|(known, at)| known < at);
        self.known.at.as_ref().filter(behind).unwrap_or(at).clone()
    }
}

#[cfg(test)]
mod tests {
    use bastion_core::{object::ObjectId, source::Observed};

    use super::*;

    fn unknown() -> Namespaces {
        Namespaces::new(vec!["backup/enabled".into()])
    }

    fn namespace(name: &str, at: u64, value: &str) -> String {
        format!(
            r#"{{"metadata":{{"name":"{name}","resourceVersion":"{at}","annotations":{{"backup/enabled":{value}}}}}}}"#
        )
    }

    #[test]
    fn only_a_changed_annotation_is_a_change() {
        let all = unknown();
        assert!(all.update(namespace("shop", 5, r#""true""#).as_bytes(), 1));
        assert!(!all.update(namespace("shop", 6, r#""true""#).as_bytes(), 2), "another change of the namespace");
        assert!(!all.update(namespace("bare", 7, "null").as_bytes(), 3), "a new one without annotation");
        assert!(all.changed_since(1).is_empty());
        assert!(all.update(namespace("shop", 9, r#""false""#).as_bytes(), 4));
        assert_eq!(all.changed_since(1), ["shop"]);
        let value = |name: &str| all.annotations(name)?.get("backup/enabled").cloned();
        assert_eq!(value("shop").as_deref(), Some("false"));
        assert_eq!((value("bare"), value("other")), (None, None));
        assert_eq!(all.touched_since(&7.into()), ["shop"]);
        assert_eq!(all.touched_since(&ResourceVersion::new("odd")), ["bare", "shop"]);
    }

    fn apply(all: &Namespaces, name: &str, at: u64, value: &str) {
        let id = ObjectId::new(&kind().group_kind(), "", name);
        let body = namespace(name, at, value).into();
        all.apply(Observation::Object(Observed { id, resource_version: at.into(), body }));
        all.apply(Observation::Mark(at.into()));
    }

    fn listed() -> Namespaces {
        let all = unknown();
        apply(&all, "shop", 5, r#""true""#);
        apply(&all, "mail", 60, r#""true""#);
        assert!(!all.ready());
        all.apply(Observation::Complete { at: 90.into(), resume: 90.into() });
        all
    }

    #[test]
    fn a_change_that_came_while_a_stream_was_away_is_found() {
        let all = listed();
        let mut followed = Followed::new(&all);
        assert_eq!(followed.changes_after(&50.into()), ["mail"], "after the saved position");
        // The stream got to 500, and was cut, before the watch of namespaces told of this.
        apply(&all, "shop", 100, r#""false""#);
        assert_eq!(followed.changes_after(&500.into()), ["shop"]);
        assert!(followed.changes_after(&500.into()).is_empty(), "once");
    }

    #[test]
    fn no_position_passes_what_is_not_known_of_namespaces() {
        let all = listed();
        let mut followed = Followed::new(&all);
        assert!(followed.changes_after(&90.into()).is_empty());
        assert_eq!(followed.position(&70.into()), 70.into());
        assert_eq!(followed.position(&500.into()), 90.into());
        all.apply(Observation::Mark(300.into()));
        assert_eq!(followed.position(&500.into()), 300.into());
        // What the change does to the objects was not looked at yet.
        apply(&all, "shop", 400, r#""false""#);
        assert_eq!(followed.position(&500.into()), 300.into());
        assert_eq!(followed.changes(), ["shop"]);
        assert_eq!(followed.position(&500.into()), 400.into());
    }
}
