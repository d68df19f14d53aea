//! How long to try on.

use std::time::Duration;

use crate::{
    backoff::Backoff,
    error::{Error, Retry},
    runtime::SharedRuntime,
};

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_mins(1);
/// How often a one-shot run tries what may or may not be a matter of waiting: some six seconds in all.
const ONE_SHOT_TRIES: u32 = 6;

/// Counts the tries of one thing, and tells how long to wait before the next.
#[derive(Debug)]
pub(crate) struct Patience {
    backoff: Backoff,
}

impl Default for Patience {
    fn default() -> Self {
        Self { backoff: Backoff::new(FIRST, LONGEST) }
    }
}

impl Patience {
    /// Whether anything failed yet.
    pub(crate) fn is_tried(&self) -> bool {
        self.backoff.failures() > 0
    }

    /// How long to wait before the next try; `None` if there shall be none.
    ///
    /// A continuous engine waits for what a person or the other side can fix while it runs: a storage or an
    /// API server that is away, credentials that expired, a bucket that is not there. What will never succeed
    /// ends it.
    pub(crate) fn next(&mut self, error: &Error, one_shot: bool, random: u64) -> Option<Duration> {
        match error.retry() {
            Retry::Never => None,
            Retry::Soon | Retry::OnceFixed if one_shot => self.backoff.next_within(ONE_SHOT_TRIES, random),
            Retry::Soon | Retry::OnceFixed => Some(self.backoff.next(random)),
        }
    }

    /// As [`Self::next`], and waits. `false` if there shall be no other try.
    pub(crate) async fn wait(&mut self, error: &Error, one_shot: bool, runtime: &SharedRuntime) -> bool {
        match self.next(error, one_shot, runtime.random()) {
            Some(wait) => {
                runtime.sleep(wait).await;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    fn denied() -> Error {
        StoreError::Denied { key: "log/1.seg".into(), source: "403".into() }.into()
    }

    #[test]
    fn expired_credentials_are_waited_for_by_those_who_run_on() {
        let mut patience = Patience::default();
        let waits: Vec<_> = (0..40).filter_map(|_| patience.next(&denied(), false, 0)).collect();
        assert_eq!(waits.len(), 40);
        assert!(waits.is_sorted() && waits.iter().all(|w| *w <= LONGEST), "{waits:?}");
        let mut patience = Patience::default();
        let tries = (0..40).filter_map(|_| patience.next(&denied(), true, 0)).count();
        assert_eq!(tries + 1, ONE_SHOT_TRIES as usize);
    }

    #[test]
    fn who_was_fenced_off_never_tries_again() {
        let fenced = Error::Fenced { role: "controller".into(), ours: 1, theirs: 2 };
        assert_eq!(Patience::default().next(&fenced, false, 0), None);
    }
}
