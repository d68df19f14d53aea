//! A kind that the source named, and how its reading goes.

use std::time::Duration;

use crate::{
    backoff::Backoff,
    error::Error,
    object::Kind,
    pipeline::{KindReport, Lane},
};

/// How long a kind whose stream ended rests before it is read again: at first, and at most.
const REST: (Duration, Duration) = (Duration::from_secs(15), Duration::from_mins(10));

#[derive(Debug)]
pub(super) struct FollowedKind {
    pub(super) kind: Kind,
    pub(super) state: FollowState,
    /// Counts how often in a row its stream ended.
    backoff: Backoff,
    pub(super) report: KindReport,
}

#[derive(Debug)]
pub(super) enum FollowState {
    /// It is being read.
    Reading,
    /// Its stream ended; a continuous source is asked again after that moment.
    BackingOff { until: Duration },
    /// Its stream ended, and that is all.
    Ended,
    /// It is no longer served; what is under way is finished, then another version may take its place.
    Draining { next: Option<Kind> },
    /// It is no longer served.
    Removed,
}

impl FollowedKind {
    /// A kind that is read from now on; `before` is what was known of it under another version or before a restart.
    pub(super) fn new(kind: Kind, before: Option<Self>) -> Self {
        Self {
            kind,
            state: FollowState::Reading,
            // The kinds of a cluster fail one by one: there is no crowd to spread.
            backoff: Backoff::new(REST.0, REST.1).jitter(0.0),
            report: before.map(|b| b.report).unwrap_or_default(),
        }
    }

    /// Whether a one-shot run has to wait for it.
    pub(super) fn is_under_way(&self) -> bool {
        !matches!(self.state, FollowState::Ended | FollowState::Removed)
    }

    /// When it is to be read again, if it backs off.
    pub(super) fn backs_off_until(&self) -> Option<Duration> {
        match self.state {
            FollowState::BackingOff { until } => Some(until),
            _ => None,
        }
    }

    /// Its stream ended. `continuous`: the source may be a continuous one, whose streams should not end.
    pub(super) fn stream_ended(&mut self, error: Option<Error>, continuous: bool, now: Duration) {
        if matches!(self.state, FollowState::Draining { .. } | FollowState::Removed) {
            return;
        }
        self.report.error = error;
        self.state =
            if continuous { FollowState::BackingOff { until: now + self.backoff.next(0) } } else { FollowState::Ended };
    }

    /// The source turned out to be a one-shot source: a stream that ended has ended for good.
    pub(super) fn stop_backing_off(&mut self) {
        if let FollowState::BackingOff { .. } = self.state {
            self.state = FollowState::Ended;
        }
    }

    /// Nothing of it is under way any more. The version that takes its place, if one does.
    pub(super) fn drained(&mut self) -> Option<Kind> {
        match std::mem::replace(&mut self.state, FollowState::Removed) {
            FollowState::Draining { next } => next,
            _ => None,
        }
    }

    /// The kind that is to be followed after a restart.
    pub(super) fn kind_to_follow(&self) -> Option<Kind> {
        match &self.state {
            FollowState::Draining { next } => next.clone(),
            FollowState::Removed => None,
            _ => Some(self.kind.clone()),
        }
    }

    /// Keeps what a lane knows for the report.
    pub(super) fn merge_report(&mut self, lane: &Lane) {
        self.report.merge(lane.take_report());
    }
}
