//! Asking the cluster: with patience where it is busy, and until a deadline where something must become ready.

use std::time::Duration;

use super::Applier;
use crate::{
    error::chain,
    object::{GroupKind, Kind, ObjectId},
    sink::{Live, Readiness, SinkError},
};

/// How often a call is made that may succeed later.
const TRIES: u32 = 5;

impl Applier {
    /// Calls until it succeeds, cannot succeed, or was tried often enough.
    pub(super) async fn patiently<T, F: Future<Output = Result<T, SinkError>>>(
        &self,
        call: impl Fn() -> F,
    ) -> Result<T, String> {
        let mut tries = 0;
        loop {
            match call().await {
                Ok(value) => return Ok(value),
                Err(error) if error.is_retryable() && tries + 1 < TRIES && !self.cancel.is_cancelled() => {
                    tries += 1;
                    self.pause(tries).await;
                }
                Err(error) => return Err(chain(&error)),
            }
        }
    }

    /// Waits a little, and longer each time: 0.2 s doubled up to 3.2 s, half of it by chance.
    pub(super) async fn pause(&self, times: u32) {
        let full = Duration::from_millis(200) * 2_u32.pow(times.min(4));
        let half = full / 2;
        let chance = half.mul_f64(f64::from(self.runtime.random().to_le_bytes()[0]) / 255.0);
        self.runtime.sleep(half + chance).await;
    }

    /// How the cluster serves a kind. One that a CRD of this restore defines may take a moment to appear.
    pub(super) async fn kind(&self, kind: &GroupKind, version: &str) -> Result<Option<Kind>, String> {
        let key = (kind.clone(), version.into());
        if let Some(known) = self.learn(|learned| learned.kinds.get(&key).cloned()) {
            return Ok(known);
        }
        let expected = !self.dry_run && self.plan.defines.contains(kind);
        let deadline = self.runtime.uptime() + self.plan.options.ready_within;
        let mut asked = 0;
        let found = loop {
            let found = self.patiently(|| self.sink.resolve(kind, version)).await?;
            if found.is_some() || !expected || self.runtime.uptime() >= deadline || self.cancel.is_cancelled() {
                break found;
            }
            // Whoever asked before may have waited in vain already.
            if let Some(known) = self.learn(|learned| learned.kinds.get(&key).cloned()) {
                break known;
            }
            asked += 1;
            self.pause(asked).await;
        };
        self.learn(|learned| learned.kinds.insert(key, found.clone()));
        Ok(found)
    }

    /// The uid of an object that is not in the plan, if it is there.
    pub(super) async fn uid_of(&self, id: &ObjectId, version: &str) -> Result<Option<String>, String> {
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
    pub(super) async fn until_ready(&self, kind: &Kind, id: &ObjectId) -> Result<(), String> {
        let within = self.plan.options.ready_within;
        let deadline = self.runtime.uptime() + within;
        let mut asked = 0;
        loop {
            match self.patiently(|| self.sink.ready(kind, id)).await? {
                Readiness::Ready => return Ok(()),
                Readiness::Never(why) => return Err(why),
                Readiness::NotYet(why) if self.runtime.uptime() >= deadline || self.cancel.is_cancelled() => {
                    return Err(format!("not ready within {} s: {why}", within.as_secs()));
                }
                Readiness::NotYet(_) => {
                    asked += 1;
                    self.pause(asked).await;
                }
            }
        }
    }
}
