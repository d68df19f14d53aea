//! What a log says, read by the library; and what a proxy saw of its making.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bastion_core::repository::{ObjectFilter, OpenOptions, Repository};
use bastion_tests::{
    S3Proxy,
    s3_proxy::{Action, Moment},
};
use futures::TryStreamExt as _;

use crate::{Result, cluster::Stage};

/// Of every revision in the log: its resourceVersion, and the number of the segment that holds it.
pub async fn segments(stage: &Stage, repository: &str) -> Result<BTreeMap<u64, u64>> {
    let repository = Repository::open(stage.store(repository).await?, OpenOptions::default()).await?;
    if repository.clusters().await?.is_empty() {
        return Ok(BTreeMap::new());
    }
    let snapshot = repository.snapshot(stage.cluster.name()).await?;
    let mut histories = snapshot.histories(ObjectFilter::default());
    let mut found = BTreeMap::new();
    while let Some(history) = histories.try_next().await? {
        let numbered = history.iter().filter_map(|v| Some((v.order.resource_version.number()?, v.number)));
        found.extend(numbered);
    }
    Ok(found)
}

/// When the storage had each segment, and how long its requests took, seen at the proxy.
#[derive(Debug, Clone, Default)]
pub struct Watched(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    begun: BTreeMap<u64, Instant>,
    stored: BTreeMap<u64, Instant>,
    requests: Vec<Duration>,
}

impl Watched {
    /// Begins to look; every request waits that long on its way.
    pub fn begin(proxy: &S3Proxy, wait: Duration) -> Self {
        let watched = Self::default();
        let (seen, clock) = (watched.0.clone(), Instant::now);
        proxy.hook(move |moment, exchange| {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            match moment {
                Moment::BeforeRequest => {
                    seen.begun.insert(exchange.number, clock());
                    if wait > Duration::ZERO {
                        return Action::Delay(wait);
                    }
                }
                Moment::BeforeResponse => {
                    let now = clock();
                    let segment = segment(&exchange.path).filter(|_| exchange.status.is_some_and(|s| s < 300));
                    if let Some(segment) = segment.filter(|_| exchange.method == "PUT") {
                        seen.stored.insert(segment, now);
                        let took = seen.begun.get(&exchange.number).map(|begun| now - *begun);
                        seen.requests.extend(took);
                    }
                }
                Moment::AfterResponse => {}
            }
            Action::Pass
        });
        watched
    }

    /// When the storage had a segment.
    pub fn stored(&self, segment: u64) -> Option<Instant> {
        self.lock().stored.get(&segment).copied()
    }

    /// When the storage had the last of the revisions that were written since, given what the log says.
    pub fn durable(&self, log: &BTreeMap<u64, u64>) -> Option<Instant> {
        log.values().filter_map(|segment| self.stored(*segment)).max()
    }

    /// How many segments there were.
    pub fn count(&self) -> usize {
        self.lock().stored.len()
    }

    /// When the storage had the newest of them.
    pub fn last(&self) -> Option<Instant> {
        self.lock().stored.values().max().copied()
    }

    /// How long the PUTs of segments took, in milliseconds.
    pub fn requests(&self) -> Vec<f64> {
        self.lock().requests.iter().map(|took| took.as_secs_f64() * 1000.0).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number in `…/log/<thousands>/<number>.seg`.
fn segment(path: &str) -> Option<u64> {
    path.rsplit('/').next()?.strip_suffix(".seg")?.parse().ok()
}
