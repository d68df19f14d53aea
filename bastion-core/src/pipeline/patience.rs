//! How long to try on.

use std::time::Duration;

use crate::{
    error::{Category, Error},
    runtime::SharedRuntime,
};

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_mins(1);
/// How often a one-shot run tries what may or may not be a matter of waiting: some six seconds in all.
const ONE_SHOT_TRIES: u32 = 6;

/// Counts the tries of one thing, and tells how long to wait before the next.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    tries: u32,
}

impl Patience {
    /// Whether anything failed yet.
    pub(crate) fn is_tried(&self) -> bool {
        self.tries > 0
    }

    /// How long to wait before the next try; `None` if there shall be none.
    ///
    /// A continuous engine waits for what a person or the other side can mend while it runs: a storage or an
    /// API server that is away, credentials that expired, a bucket that is not there. What only another
    /// program or configuration can mend ends it.
    pub(crate) fn next(&mut self, error: &Error, one_shot: bool, random: u64) -> Option<Duration> {
        let mendable = error.is_retryable()
            || match error {
                Error::Store(e) => matches!(e.category(), Category::Denied | Category::NotFound | Category::Other),
                Error::Source(e) => e.category() != Category::Invalid,
                _ => false,
            };
        if !mendable || (one_shot && self.tries + 1 >= ONE_SHOT_TRIES) {
            return None;
        }
        let longest = FIRST.saturating_mul(1 << self.tries.min(10)).min(LONGEST);
        self.tries += 1;
        // Between half and all of it, so that those who failed together do not come back together.
        let half = u64::try_from(longest.as_millis() / 2).unwrap_or(u64::MAX).max(1);
        Some(Duration::from_millis(half + random % half))
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
