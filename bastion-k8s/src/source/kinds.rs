//! The kinds to follow, once or as they come and go.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bastion_core::{
    backoff::Backoff,
    error::Category,
    object::{GroupKind, Kind, Scope},
    select::Selection,
    source::{KindChange, Observation, SourceError},
};
use futures::stream::{BoxStream, StreamExt};
use serde::Deserialize;
use tokio::time::Instant;

use crate::{
    client::Client,
    discovery::{
        Served,
        crds::{self, Crd, Crds},
        plan::{Plan, plan},
    },
    error::{Error, Result},
    http::backoff::{patient, random},
    source::follow::Follower,
};

/// Groups that aggregated API servers serve.
pub(crate) type Aggregated = Arc<Mutex<BTreeSet<String>>>;

/// After a change discovery follows with a delay that nobody announces: it is asked again after these.
const AFTER_CHANGE: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(8),
];
/// Asked anyway: where nothing tells of changes, where a group did not answer, and to be safe.
const BLIND: Duration = Duration::from_secs(15);
const WITH_FAILURES: Duration = Duration::from_secs(30);
const ANYWAY: Duration = Duration::from_mins(5);

/// What there is now, and nothing after it.
pub(crate) async fn once(client: &Client, selection: &Selection) -> Vec<KindChange> {
    let mut known = Known::default();
    let mut changes = Vec::new();
    let crds = crds::list(client).await.unwrap_or_else(|error| {
        changes.push(failed(crds::UNREADABLE, error));
        Crds::new()
    });
    match client.discover().await {
        Ok(served) => changes.extend(known.compare(plan(selection, &served, &crds), &served, &crds)),
        Err(error) => changes.push(failed("discovery", error)),
    }
    changes.push(KindChange::Settled);
    changes
}

/// What there is now, and then every change.
pub(crate) fn follow(
    client: Client,
    selection: Arc<Selection>,
    aggregated: Aggregated,
) -> BoxStream<'static, KindChange> {
    let services = Kind {
        group: "apiregistration.k8s.io".into(),
        version: "v1".into(),
        kind: "APIService".into(),
        plural: "apiservices".into(),
        scope: Scope::Cluster,
    };
    let watcher = KindWatcher {
        definitions: Follower::everything(client.clone(), crds::kind()).stream(),
        services: Follower::everything(client.clone(), services).stream(),
        client,
        selection,
        aggregated,
        crds: Crds::new(),
        known: Known::default(),
        relisted: Crds::new(),
        definitions_state: Definitions::Awaited { failed: false },
        services_known: false,
        settled: false,
        next: Instant::now(),
        round: AFTER_CHANGE.len(),
        backoff: patient(),
        out: VecDeque::new(),
    };
    Box::pin(futures::stream::unfold(watcher, |mut watcher| async {
        loop {
            if let Some(change) = watcher.out.pop_front() {
                return Some((change, watcher));
            }
            watcher.step().await;
        }
    }))
}

type Observations = BoxStream<'static, Result<Observation, SourceError>>;

/// How far the definitions of custom resources are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Definitions {
    /// Their first list is under way; it failed before.
    Awaited { failed: bool },
    /// Changes are heard of.
    Watched,
    /// They may not be read: only asking tells of new kinds.
    Unreadable,
}

struct KindWatcher {
    client: Client,
    selection: Arc<Selection>,
    aggregated: Aggregated,
    definitions: Observations,
    services: Observations,
    crds: Crds,
    known: Known,
    /// Definitions of a list that is under way.
    relisted: Crds,
    /// First lists that are there (or will not come): storage versions must be known before one is chosen.
    definitions_state: Definitions,
    services_known: bool,
    settled: bool,
    next: Instant,
    round: usize,
    backoff: Backoff,
    out: VecDeque<KindChange>,
}

impl KindWatcher {
    async fn step(&mut self) {
        let due = async {
            if !matches!(self.definitions_state, Definitions::Awaited { .. }) && self.services_known {
                tokio::time::sleep_until(self.next).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            Some(item) = self.definitions.next() => self.definition(item),
            Some(item) = self.services.next() => self.service(item),
            () = due => self.discover().await,
        }
    }

    fn definition(&mut self, item: Result<Observation, SourceError>) {
        match item {
            Ok(Observation::Begin(_)) => self.relisted.clear(),
            Ok(Observation::Object(object)) => {
                let Ok((name, crd)) = Crd::parse(&object.body) else { return };
                self.relisted.insert(name.clone(), crd.clone());
                if self.crds.get(&name) != Some(&crd) {
                    self.crds.insert(name, crd);
                    self.changed();
                }
            }
            Ok(Observation::Gone { id, .. }) => {
                self.crds.remove(id.name.as_ref());
                self.changed();
            }
            Ok(Observation::Complete { .. }) => {
                self.crds = std::mem::take(&mut self.relisted);
                self.definitions_state = Definitions::Watched;
                self.changed();
            }
            Ok(_) => {}
            // It will not come: without storage versions the preferred ones are read, and asking now and
            // then tells of new kinds.
            Err(error)
                if error.category == Category::Denied
                    || self.definitions_state == (Definitions::Awaited { failed: true }) =>
            {
                self.definitions_state = Definitions::Unreadable;
                self.out.push_back(KindChange::Failed { what: crds::UNREADABLE.into(), error });
            }
            Err(error) if self.definitions_state == (Definitions::Awaited { failed: false }) => {
                self.definitions_state = Definitions::Awaited { failed: true };
                self.out.push_back(KindChange::Failed { what: "custom resource definitions".into(), error });
            }
            // An outage of the server: discovery speaks of it if it lasts.
            Err(error) => tracing::debug!(%error, "definitions of custom resources"),
        }
    }

    fn service(&mut self, item: Result<Observation, SourceError>) {
        match item {
            Ok(Observation::Object(object)) => {
                let Ok(service) = serde_json::from_slice::<ApiService>(&object.body) else { return };
                if service.spec.service.is_some() {
                    let mut groups = self.aggregated.lock().unwrap_or_else(PoisonError::into_inner);
                    groups.insert(service.spec.group);
                }
                self.changed();
            }
            Ok(Observation::Gone { .. }) => self.changed(),
            // Not being allowed to see API services costs speed, nothing else.
            Ok(Observation::Complete { .. }) | Err(_) => self.services_known = true,
            Ok(_) => {}
        }
    }

    /// Something changed: ask soon, and again a few times, since discovery lags behind.
    fn changed(&mut self) {
        self.round = 0;
        self.next = self.next.min(Instant::now() + AFTER_CHANGE[0]);
    }

    async fn discover(&mut self) {
        let result = match self.client.discover().await {
            Ok(served) => {
                let plan = plan(&self.selection, &served, &self.crds);
                Ok((served, plan))
            }
            Err(error) => Err(error),
        };
        let wait = match result {
            Ok((served, plan)) => {
                self.backoff.reset();
                self.out.extend(self.known.compare(plan, &served, &self.crds));
                if !std::mem::replace(&mut self.settled, true) {
                    self.out.push_back(KindChange::Settled);
                }
                let calm = if self.definitions_state == Definitions::Unreadable {
                    BLIND
                } else if served.failed.is_empty() {
                    ANYWAY
                } else {
                    WITH_FAILURES
                };
                self.round += 1;
                AFTER_CHANGE.get(self.round).copied().unwrap_or(calm)
            }
            Err(error) => {
                let wait = self.backoff.next(random());
                if self.known.outage(&error) {
                    self.out.push_back(failed("discovery", error));
                }
                wait
            }
        };
        self.next = Instant::now() + wait;
    }
}

#[derive(Deserialize)]
struct ApiService {
    spec: ApiServiceSpec,
}

#[derive(Deserialize)]
struct ApiServiceSpec {
    #[serde(default)]
    group: String,
    service: Option<serde::de::IgnoredAny>,
}

fn failed(what: &str, error: Error) -> KindChange {
    KindChange::Failed { what: what.to_owned(), error: error.into() }
}

/// What was said so far, so that only what is new is said again.
#[derive(Debug, Default)]
struct Known {
    followed: BTreeMap<GroupKind, Kind>,
    /// Those of them that a CRD defines.
    defined: BTreeSet<GroupKind>,
    skipped: BTreeMap<GroupKind, String>,
    failed: BTreeMap<String, String>,
    unknown: BTreeSet<String>,
}

impl Known {
    fn compare(&mut self, plan: Plan, served: &Served, crds: &Crds) -> Vec<KindChange> {
        let mut changes = Vec::new();
        self.failed.remove("discovery");
        let now: BTreeMap<_, _> = plan.followed.into_iter().map(|kind| (kind.group_kind(), kind)).collect();
        let before = std::mem::take(&mut self.followed);
        let mut sure = true;
        for (name, kind) in before {
            // Of a group that does not answer nothing is known: its kinds stay as they were. An API server
            // that has just started answers before it has read its CRDs.
            let unsure = served.failed.contains_key(name.group.as_ref())
                || (!served.knows(&name) && crds.get(&full_name(&kind)).is_some_and(|crd| crd.serves(&kind)));
            match now.get(&name) {
                Some(same) if *same == kind => drop(self.followed.insert(name, kind)),
                None if unsure => {
                    sure = false;
                    self.followed.insert(name, kind);
                }
                None if self.defined.remove(&name) && !served.knows(&name) && !crds.contains_key(&full_name(&kind)) => {
                    changes.push(KindChange::Undefined(name));
                }
                _ => changes.push(KindChange::Removed(name)),
            }
        }
        self.defined.extend(now.values().filter(|k| crds.contains_key(&full_name(k))).map(Kind::group_kind));
        for (name, kind) in now {
            if let Entry::Vacant(new) = self.followed.entry(name) {
                new.insert(kind.clone());
                changes.push(KindChange::Added(kind));
            }
        }
        let skipped: BTreeMap<_, _> = plan.skipped.into_iter().collect();
        for (kind, why) in &skipped {
            if self.skipped.get(kind) != Some(why) {
                changes.push(KindChange::Skipped { kind: kind.clone(), why: why.clone() });
            }
        }
        self.skipped = skipped;
        for (group, why) in &served.failed {
            if self.failed.get(group) != Some(why) {
                let error = SourceError::new(Category::Unavailable, why);
                changes.push(KindChange::Failed { what: format!("group {group}"), error });
            }
        }
        self.failed.clone_from(&served.failed);
        for (name, near) in plan.unknown.into_iter().filter(|_| sure) {
            if self.unknown.insert(name.clone()) {
                changes.push(failed(&format!("kind {name}"), Error::UnknownKind { name, near }));
            }
        }
        changes
    }

    /// Whether a failure of discovery as a whole is news.
    fn outage(&mut self, error: &Error) -> bool {
        let text = error.to_string();
        self.failed.insert("discovery".into(), text.clone()) != Some(text)
    }
}

fn full_name(kind: &Kind) -> String {
    format!("{}.{}", kind.plural, kind.group)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(group: &str, kind: &str, version: &str) -> Kind {
        Kind {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: format!("{}s", kind.to_lowercase()).into(),
            scope: Scope::Namespaced,
        }
    }

    fn said(known: &mut Known, followed: &[Kind], failed: &[&str]) -> Vec<String> {
        said_with(known, followed, failed, &Crds::new())
    }

    fn said_with(known: &mut Known, followed: &[Kind], failed: &[&str], crds: &Crds) -> Vec<String> {
        let plan = Plan { followed: followed.to_vec(), ..Plan::default() };
        let failed = failed.iter().map(|g| ((*g).to_owned(), "away".to_owned())).collect();
        let served = Served { resources: vec![], failed };
        let changes = known.compare(plan, &served, crds);
        let text = |change: &KindChange| match change {
            KindChange::Added(kind) => format!("+{kind}@{}", kind.version),
            KindChange::Removed(kind) => format!("-{kind}"),
            KindChange::Undefined(kind) => format!("--{kind}"),
            KindChange::Failed { what, .. } => format!("!{what}"),
            _ => String::new(),
        };
        changes.iter().map(text).collect()
    }

    #[test]
    fn kinds_come_and_go_and_a_silent_group_changes_nothing() {
        let mut known = Known::default();
        let (old, new) = (kind("example.org", "Widget", "v1"), kind("example.org", "Widget", "v2"));
        let pod = kind("", "Pod", "v1");
        assert_eq!(said(&mut known, &[pod.clone(), old.clone()], &[]), ["+Pod@v1", "+Widget.example.org@v1"]);
        assert!(said(&mut known, &[pod.clone(), old.clone()], &[]).is_empty());
        assert_eq!(said(&mut known, std::slice::from_ref(&pod), &["example.org"]), ["!group example.org"]);
        assert!(said(&mut known, std::slice::from_ref(&pod), &["example.org"]).is_empty());
        assert!(said(&mut known, &[pod.clone(), old], &[]).is_empty(), "it was never gone");
        assert_eq!(said(&mut known, &[pod.clone(), new], &[]), ["-Widget.example.org", "+Widget.example.org@v2"]);
        assert_eq!(said(&mut known, &[pod], &[]), ["-Widget.example.org"]);
    }

    #[test]
    fn a_kind_whose_crd_stands_is_not_gone() {
        let mut known = Known::default();
        let widget = kind("example.org", "Widget", "v1");
        let crd = |served: &[&str]| Crd {
            group: "example.org".into(),
            plural: "widgets".into(),
            served: served.iter().map(|v| (*v).to_owned()).collect(),
            established: true,
            ..Crd::default()
        };
        let crds = |served: &[&str]| Crds::from([("widgets.example.org".to_owned(), crd(served))]);
        assert_eq!(said_with(&mut known, &[widget], &[], &crds(&["v1"])), ["+Widget.example.org@v1"]);
        // The API server was started a moment ago.
        assert!(said_with(&mut known, &[], &[], &crds(&["v1"])).is_empty());
        assert_eq!(said_with(&mut known, &[], &[], &crds(&["v2"])), ["-Widget.example.org"]);
    }

    #[test]
    fn only_a_kind_that_a_crd_defined_can_lose_its_definition() {
        let mut known = Known::default();
        let (widget, metric) = (kind("example.org", "Widget", "v1"), kind("metrics.example.org", "Metric", "v1"));
        let crds = Crds::from([("widgets.example.org".to_owned(), Crd::default())]);
        said_with(&mut known, &[widget, metric], &[], &crds);
        // An APIService and a CRD are removed: only of the latter's objects is it known that they are gone.
        let said = said_with(&mut known, &[], &[], &Crds::new());
        assert_eq!(said, ["--Widget.example.org", "-Metric.metrics.example.org"]);
    }
}
