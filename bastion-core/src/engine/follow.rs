//! A kind that the source named, and how its reading goes.

use std::time::Duration;

use super::{KindReport, NAMED_FAILURES};
use crate::{backoff::Backoff, error::Error, object::Kind, pipeline::KindSnapshot};

/// How long a kind whose stream ended rests before it is read again: at first, and at most.
const REST: (Duration, Duration) = (Duration::from_secs(15), Duration::from_mins(10));

#[derive(Debug)]
pub(super) struct Followed {
    pub(super) kind: Kind,
    pub(super) state: State,
    /// Counts how often in a row its stream ended.
    backoff: Backoff,
    report: KindReport,
}

#[derive(Debug)]
pub(super) enum State {
    /// It is being read.
    Reading,
    /// Its stream ended; a continuous source is asked again after that moment.
    Resting(Duration),
    /// Its stream ended, and that is all.
    Ended,
    /// It is no longer served; what is under way is finished, then another version may take its place.
    Retiring(Option<Kind>),
    /// It is no longer served.
    Gone,
}

impl Followed {
    pub(super) fn new(kind: Kind, before: Option<Self>) -> Self {
        let report = before.map(|b| b.report).unwrap_or_default();
        Self { kind, state: State::Reading, backoff: Backoff::new(REST.0, REST.1).jitter(0.0), report }
    }

    /// Whether a one-shot run has to wait for it.
    pub(super) fn is_under_way(&self) -> bool {
        !matches!(self.state, State::Ended | State::Gone)
    }

    pub(super) fn rests_until(&self) -> Option<Duration> {
        match self.state {
            State::Resting(at) => Some(at),
            _ => None,
        }
    }

    /// Its stream ended. `open`: the source may be a continuous one, whose streams should not end.
    pub(super) fn ended(&mut self, error: Option<Error>, open: bool, now: Duration) {
        if matches!(self.state, State::Retiring(_) | State::Gone) {
            return;
        }
        self.report.error = error;
        self.state = if open { State::Resting(now + self.backoff.next(0)) } else { State::Ended };
    }

    /// The source turned out to be a one-shot source.
    pub(super) fn rest_no_more(&mut self) {
        if let State::Resting(_) = self.state {
            self.state = State::Ended;
        }
    }

    /// Nothing of it is under way any more. The version that takes its place, if one does.
    pub(super) fn retired(&mut self) -> Option<Kind> {
        match std::mem::replace(&mut self.state, State::Gone) {
            State::Retiring(next) => next,
            _ => None,
        }
    }

    /// The kind that is to be followed after a restart.
    pub(super) fn kind_to_follow(&self) -> Option<Kind> {
        match &self.state {
            State::Retiring(next) => next.clone(),
            State::Gone => None,
            _ => Some(self.kind.clone()),
        }
    }

    /// Takes in what a lane knows beside numbers.
    pub(super) fn absorb(&mut self, of_lane: KindReport) {
        self.report.withheld = of_lane.withheld;
        let room = NAMED_FAILURES.saturating_sub(self.report.failures.len());
        self.report.failures.extend(of_lane.failures.into_iter().take(room));
    }

    pub(super) fn into_report(self, counted: &KindSnapshot) -> KindReport {
        KindReport {
            seen: counted.events,
            selected: counted.selected,
            unchanged: counted.unchanged,
            changed: counted.changed,
            deleted: counted.deleted,
            released: counted.released,
            failed: counted.failed,
            ..self.report
        }
    }
}
