//! When to speak of a failure that goes on.

use std::time::Duration;

use bastion_core::error::Category;
use tokio::time::Instant;

/// Remembers what was reported, so that an outage is a line a minute and not a line a try.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    since: Option<Instant>,
    reported: Option<(Category, Instant)>,
    expired: bool,
}

/// A kind that is not found is most often one whose CRD was just removed: discovery says so soon.
const NOT_FOUND_FOR: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_mins(1);
const DENIED_AGAIN: Duration = Duration::from_hours(1);

impl Outage {
    /// Whether this failure is to be reported now.
    pub(crate) fn report(&mut self, category: Category, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        if category == Category::NotFound && now - since < NOT_FOUND_FOR {
            return false;
        }
        let again = if category == Category::Denied { DENIED_AGAIN } else { AGAIN };
        let news = self.reported.is_none_or(|(before, at)| before != category || now - at >= again);
        if news {
            self.reported = Some((category, now));
        }
        news
    }

    /// The same for a list that took longer than the server remembers. One is simply begun again; the next
    /// that is not faster is a failure like others.
    pub(crate) fn report_expired(&mut self, category: Category, now: Instant) -> bool {
        std::mem::replace(&mut self.expired, true) && self.report(category, now)
    }

    /// It works again.
    pub(crate) fn over(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_reported_at_once_and_then_now_and_then() {
        let (mut outage, start) = (Outage::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(outage.report(Category::Unavailable, start));
        assert!(!outage.report(Category::Unavailable, after(30)));
        assert!(outage.report(Category::Denied, after(31)), "another sort of failure");
        assert!(!outage.report(Category::Denied, after(300)));
        outage.over();
        assert!(outage.report(Category::Denied, after(301)));
    }

    #[test]
    fn a_list_that_expires_time_and_again_is_reported() {
        let (mut outage, start) = (Outage::default(), Instant::now());
        assert!(!outage.report_expired(Category::Unavailable, start));
        assert!(outage.report_expired(Category::Unavailable, start + Duration::from_mins(5)));
        assert!(outage.report_expired(Category::Unavailable, start + Duration::from_mins(10)));
        outage.over();
        assert!(!outage.report_expired(Category::Unavailable, start + Duration::from_mins(15)));
    }

    #[test]
    fn a_kind_that_just_vanished_is_no_news() {
        let (mut outage, start) = (Outage::default(), Instant::now());
        assert!(!outage.report(Category::NotFound, start));
        assert!(outage.report(Category::NotFound, start + Duration::from_secs(11)));
    }
}
