//! Trying again what failed, for as long as that may help.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::{
    backoff::Backoff,
    error::{Error, Failure, Result, Retry},
    pipeline::stats::KindStats,
    runtime::SharedRuntime,
};

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_mins(1);
/// How often a one-shot run tries what may or may not be a matter of waiting: some six seconds in all.
const ONE_SHOT_TRIES: u32 = 6;

/// Waits between the tries of a run. A continuous run waits for whatever somebody can still fix; a one-shot run
/// gives up after a few tries.
#[derive(Debug, Clone)]
pub(crate) struct Retrier {
    runtime: SharedRuntime,
    one_shot: Arc<AtomicBool>,
}

impl Retrier {
    pub(crate) fn new(runtime: SharedRuntime) -> Self {
        Self { runtime, one_shot: Arc::default() }
    }

    /// Whether the source is known to end by itself: then no operation may be tried forever.
    pub(crate) fn is_one_shot(&self) -> bool {
        self.one_shot.load(Relaxed)
    }

    pub(crate) fn set_one_shot(&self) {
        self.one_shot.store(true, Relaxed);
    }

    /// The waits of an operation that begins now.
    pub(crate) fn backoff() -> Backoff {
        Backoff::new(FIRST, LONGEST)
    }

    /// Waits before the next try, or hands the error back if there is to be none. `again` is told of an error that
    /// another try follows.
    pub(crate) async fn wait(&self, error: Error, backoff: &mut Backoff, again: impl FnOnce(&Error)) -> Result<()> {
        let Some(wait) = next_wait(&error, self.is_one_shot(), backoff, self.runtime.random()) else {
            return Err(error);
        };
        again(&error);
        self.runtime.sleep(wait).await;
        Ok(())
    }

    /// Calls until it succeeds, or trying again does not help. Failures show in the kind's statistics, until it
    /// succeeds.
    pub(crate) async fn call<T, F>(&self, stats: &KindStats, call: impl Fn() -> F + Send + Sync) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send,
        T: Send,
    {
        let mut backoff = Self::backoff();
        loop {
            match call().await {
                Ok(value) => {
                    if backoff.failures() > 0 {
                        stats.set_error(None);
                    }
                    return Ok(value);
                }
                Err(error) => {
                    stats.set_error(Some(Failure::from(&error)));
                    self.wait(error, &mut backoff, |_| ()).await?;
                }
            }
        }
    }
}

fn next_wait(error: &Error, one_shot: bool, backoff: &mut Backoff, random: u64) -> Option<Duration> {
    match error.retry() {
        Retry::Never => None,
        Retry::Soon | Retry::OnceFixed if one_shot => backoff.next_within(ONE_SHOT_TRIES, random),
        Retry::Soon | Retry::OnceFixed => Some(backoff.next(random)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Category, source::SourceError, store::StoreError};

    fn denied() -> Error {
        StoreError::Denied { key: "log/1.seg".into(), source: "403".into() }.into()
    }

    #[test]
    fn expired_credentials_are_waited_for_by_those_who_run_on() {
        let mut backoff = Retrier::backoff();
        let waits: Vec<_> = (0..40).filter_map(|_| next_wait(&denied(), false, &mut backoff, 0)).collect();
        assert_eq!(waits.len(), 40);
        assert!(waits.is_sorted() && waits.iter().all(|w| *w <= LONGEST), "{waits:?}");
        let mut backoff = Retrier::backoff();
        let tries = (0..40).filter_map(|_| next_wait(&denied(), true, &mut backoff, 0)).count();
        assert_eq!(tries + 1, ONE_SHOT_TRIES as usize);
    }

    #[test]
    fn what_a_cluster_answers_may_be_better_next_time() {
        let waits = |category| {
            let error = Error::Source(SourceError::new(category, "reading ConfigMap shop/a"));
            let mut backoff = Retrier::backoff();
            let one_shot = (0..40).filter_map(|_| next_wait(&error, true, &mut backoff, 0)).count();
            (next_wait(&error, false, &mut Retrier::backoff(), 0).is_some(), one_shot)
        };
        let tries = (ONE_SHOT_TRIES - 1) as usize;
        for category in [Category::Conflict, Category::Corrupt, Category::Denied, Category::Unavailable] {
            assert_eq!(waits(category), (true, tries), "{category}");
        }
        assert_eq!(waits(Category::Invalid), (false, 0));
    }

    #[test]
    fn who_was_fenced_off_never_tries_again() {
        let fenced = Error::Fenced { role: "controller".into(), ours: 1, theirs: 2 };
        assert_eq!(next_wait(&fenced, false, &mut Retrier::backoff(), 0), None);
    }
}
