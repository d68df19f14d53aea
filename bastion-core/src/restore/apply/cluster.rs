//! Asking the cluster: with patience where it is busy, and until a deadline where something must become ready.

use std::time::Duration;

use super::Applier;
use crate::{
    backoff::Backoff,
    failure::{Category, Failure},
    object::{GroupKind, Kind, ObjectId},
    sink::{Live, Readiness, SinkError},
};

/// How often a call is made that may succeed later.
const TRIES: u32 = 5;

/// Between two looks at the cluster: 0.4 s doubled up to 3.2 s.
pub(super) fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(400), Duration::from_millis(3200))
}

impl Applier {
    /// Calls until it succeeds, cannot succeed, or was tried often enough.
    pub(super) async fn patiently<T, F: Future<Output = Result<T, SinkError>>>(
        &self,
        call: impl Fn() -> F,
    ) -> Result<T, Failure> {
        let mut backoff = backoff();
        loop {
            let error = match call().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let wait = backoff.next_within(TRIES, self.runtime.random());
            match wait.filter(|_| error.is_retryable() && !self.cancel.is_cancelled()) {
                Some(wait) => self.runtime.sleep(wait).await,
                None => return Err(Failure::from(&error)),
            }
        }
    }

    /// Waits a little, and longer each time.
    pub(super) async fn pause(&self, backoff: &mut Backoff) {
        self.runtime.sleep(backoff.next(self.runtime.random())).await;
    }

    /// How the cluster serves a kind. One that a CRD of this restore defines may take a moment to appear.
    pub(super) async fn kind(&self, kind: &GroupKind, version: &str) -> Result<Option<Kind>, Failure> {
        let key = (kind.clone(), version.into());
        if let Some(known) = self.learn(|learned| learned.kinds.get(&key).cloned()) {
            return Ok(known);
        }
        let expected = !self.dry_run && self.plan.defines.contains(kind);
        let deadline = self.runtime.uptime() + self.plan.options.ready_within;
        let mut backoff = backoff();
        let found = loop {
            let found = self.patiently(|| self.sink.resolve(kind, version)).await?;
            if found.is_some() || !expected || self.runtime.uptime() >= deadline || self.cancel.is_cancelled() {
                break found;
            }
            // Whoever asked before may have waited in vain already.
            if let Some(known) = self.learn(|learned| learned.kinds.get(&key).cloned()) {
                break known;
            }
            self.pause(&mut backoff).await;
        };
        self.learn(|learned| learned.kinds.insert(key, found.clone()));
        Ok(found)
    }

    /// The uid of an object that is not in the plan, if it is there.
    pub(super) async fn uid_of(&self, id: &ObjectId, version: &str) -> Result<Option<String>, Failure> {
        if let Some(known) = self.learn(|learned| learned.others.get(id).cloned()) {
            return Ok(known);
        }
        let uid = match self.kind(&id.group_kind(), version).await? {
            Some(kind) => self.patiently(|| self.sink.get(&kind, id)).await?.map(|live: Live| live.uid),
            None => None,
        };
        self.learn(|learned| learned.others.insert(id.clone(), uid.clone()));
        Ok(uid)
    }

    /// Waits until what stands on the object can follow.
    pub(super) async fn until_ready(&self, kind: &Kind, id: &ObjectId) -> Result<(), Failure> {
        let within = self.plan.options.ready_within;
        let deadline = self.runtime.uptime() + within;
        let mut backoff = backoff();
        loop {
            match self.patiently(|| self.sink.ready(kind, id)).await? {
                Readiness::Ready => return Ok(()),
                Readiness::Never(message) => return Err(Failure { category: Category::Invalid, message }),
                Readiness::NotYet(why) if self.runtime.uptime() >= deadline || self.cancel.is_cancelled() => {
                    let message = format!("not ready within {} s: {why}", within.as_secs());
                    return Err(Failure { category: Category::Unavailable, message });
                }
                Readiness::NotYet(_) => self.pause(&mut backoff).await,
            }
        }
    }
}
