//! Reads one kind's observations, and works out what a complete list says of what it does not show.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::{StreamExt, stream::BoxStream};

use crate::{
    engine::EngineOptions,
    error::{Category, Error, Result, chain},
    object::{ObjectId, ResourceVersion},
    pipeline::{
        absence::{self, Decision},
        budget::Held,
        context::ToEngine,
        lane::Lane,
        listing::Listing,
        queue::Seen,
        stats::Phase,
    },
    record::Order,
    source::{Coverage, Observation, Observed, Proof, SourceError},
};

type Stream = BoxStream<'static, Result<Observation, SourceError>>;

/// What an observation leads to.
#[derive(Debug)]
enum Next {
    /// Read on.
    Observation,
    /// Look at everything anew: the position is of no use, or (`in_full`) too much differs from the log.
    LookAnew {
        in_full: bool,
    },
    End(End),
}

/// Why reading ended.
#[derive(Debug)]
enum End {
    /// The stream has no more.
    Stream,
    /// The lane was told to stop.
    Stopped,
    /// resourceVersions went backwards.
    Rewound,
}

#[derive(Debug)]
pub(crate) struct Reader {
    lane: Arc<Lane>,
    /// Where the first look resumes.
    from: Option<ResourceVersion>,
    /// A cluster whose resourceVersion is below this was restored from a backup.
    floor: Option<ResourceVersion>,
    /// The log has nothing of this kind in this life of etcd, but may have of an earlier one: deletions of
    /// what was recorded then need a person's word.
    suspicious: bool,
    list: Option<Listing>,
    /// Nothing came yet that a list could be beside of.
    fresh: bool,
    /// The last list was read to its end and nothing failed since.
    complete: bool,
    error: Option<SourceError>,
    /// Namespaces of withheld deletions, to be asked for again.
    namespaces: BTreeSet<Arc<str>>,
    ask_at: Duration,
    /// When to look at everything anew although nothing is wrong.
    compare_at: Duration,
}

impl Reader {
    pub(crate) fn new(
        lane: Arc<Lane>,
        from: Option<ResourceVersion>,
        floor: Option<ResourceVersion>,
        suspicious: bool,
    ) -> Self {
        let compare_at = next_compare(&lane.ctx.options);
        Self {
            lane,
            from,
            floor,
            suspicious,
            list: None,
            fresh: true,
            complete: false,
            error: None,
            namespaces: BTreeSet::new(),
            ask_at: Duration::MAX,
            compare_at,
        }
    }

    /// Reads to the end, waits until all of it is settled, and tells the engine.
    pub(crate) async fn run(mut self) {
        let lane = self.lane.clone();
        let told = lane.kill.clone().run_until_cancelled_owned(async {
            match self.read().await {
                Ok(End::Rewound) => ToEngine::Rewound { lane: lane.clone() },
                Ok(End::Stopped) => ToEngine::Ended { lane: lane.clone(), error: None },
                Ok(End::Stream) => {
                    let error = self.verdict();
                    lane.calm().await;
                    lane.stats.enter(if error.is_some() { Phase::Failed } else { Phase::Done });
                    ToEngine::Ended { lane: lane.clone(), error }
                }
                Err(error) => ToEngine::Fatal(error),
            }
        });
        if let Some(told) = told.await {
            // An engine that is gone needs no telling.
            let _ = lane.ctx.to_engine.send(told);
        }
    }

    /// Why a stream that ended says less than everything.
    fn verdict(&mut self) -> Option<Error> {
        if self.complete && self.list.is_none() {
            return None;
        }
        Some(Error::Source(self.error.take().unwrap_or_else(|| SourceError {
            what: format!("list {}: it ended before it was complete", self.lane.group_kind),
            category: Category::Unavailable,
            source: None,
        })))
    }

    async fn read(&mut self) -> Result<End> {
        let lane = self.lane.clone();
        // A list that was cut together with the stream before this one.
        lane.tracker(|t| t.low.cancel_list());
        if self.from.is_some() {
            lane.stats.enter(Phase::Following);
        }
        let mut stream = match &self.from {
            Some(_) => lane.ctx.source.observe(&lane.kind, self.from.clone()),
            None => self.everything(false),
        };
        loop {
            let now = lane.ctx.options.runtime.uptime();
            let wake = self.ask_at.min(self.compare_at).saturating_sub(now);
            let wake = lane.ctx.options.runtime.sleep(wake.min(Duration::from_hours(24)));
            let next = tokio::select! {
                biased;
                () = lane.stop.cancelled() => return Ok(End::Stopped),
                () = lane.relist.notified() => {
                    stream = self.look_anew(false);
                    continue;
                }
                next = stream.next() => next,
                () = wake => {
                    if self.is_due().await {
                        stream = self.look_anew(false);
                    }
                    continue;
                }
            };
            let observation = match next {
                None => return Ok(End::Stream),
                Some(Ok(observation)) => observation,
                Some(Err(error)) => {
                    tracing::warn!(kind = %lane.group_kind, error = chain(&error), "reading the cluster");
                    lane.stats.set_error(Some(chain(&error)));
                    self.error = Some(error);
                    continue;
                }
            };
            let taken = lane.stop.run_until_cancelled(self.take_in(observation)).await;
            match taken.transpose()? {
                None => return Ok(End::Stopped),
                Some(Next::Observation) => {}
                Some(Next::LookAnew { in_full }) => stream = self.look_anew(in_full),
                Some(Next::End(end)) => return Ok(end),
            }
        }
    }

    /// Everything that there is: its content only where the log has none of it, unless all is wanted.
    fn everything(&self, in_full: bool) -> Stream {
        let (source, kind) = (&self.lane.ctx.source, &self.lane.kind);
        if !in_full && self.lane.is_in_log() { source.compare(kind) } else { source.observe(kind, None) }
    }

    /// Looks at everything anew.
    fn look_anew(&mut self, in_full: bool) -> Stream {
        self.list = None;
        self.fresh = true;
        self.ask_at = Duration::MAX;
        self.lane.tracker(|t| t.low.cancel_list());
        self.everything(in_full)
    }

    async fn take_in(&mut self, observation: Observation) -> Result<Next> {
        let lane = self.lane.clone();
        if self.error.take().is_some() {
            lane.stats.set_error(None);
        }
        match observation {
            Observation::Begin(coverage) => self.begin(coverage),
            Observation::Object(Observed { id, resource_version, body }) => {
                lane.stats.selected.add(1);
                let seen = Seen::Object { at: resource_version.clone(), body: None };
                if !self.saw(&id, &seen) {
                    let body = self.make_room(body).await;
                    lane.offer(&id, Seen::Object { at: resource_version, body }).await;
                }
            }
            Observation::Exists { id, at } => {
                lane.stats.selected.add(1);
                let seen = Seen::Object { at, body: None };
                if !self.saw(&id, &seen) {
                    lane.offer(&id, seen).await;
                    if self.list.as_mut().is_some_and(|list| !list.may_read_one()) {
                        return Ok(Next::LookAnew { in_full: true });
                    }
                }
            }
            Observation::Unselected { id, at } => {
                let seen = Seen::Unselected { at };
                if !self.saw(&id, &seen) {
                    lane.offer(&id, seen).await;
                }
            }
            Observation::Gone { id, at, proof } => {
                lane.stats.events.add(1);
                self.follow();
                lane.offer(&id, Seen::Gone { at, proof }).await;
            }
            Observation::Complete { at, resume } => return self.complete(at, resume).await,
            Observation::Mark(at) => {
                self.follow();
                lane.tracker(|t| t.low.mark(at));
            }
            Observation::Expired => return Ok(Next::LookAnew { in_full: false }),
            Observation::Rewound { now } => {
                tracing::warn!(kind = %lane.group_kind, %now, "the cluster's resourceVersion went backwards");
                return Ok(Next::End(End::Rewound));
            }
        }
        Ok(Next::Observation)
    }

    fn begin(&mut self, coverage: Coverage) {
        // A list that is begun again in place of one that was cut is what that one was.
        let is_base = self.list.as_ref().map_or(self.fresh, |cut| cut.is_base);
        self.list = Some(Listing::new(coverage, is_base));
        self.complete = false;
        if is_base {
            self.lane.stats.enter(Phase::Listing);
        }
        self.lane.tracker(|t| t.low.begin_list());
    }

    /// Something came that is no list.
    fn follow(&mut self) {
        if self.list.is_none() && self.fresh {
            self.fresh = false;
            self.complete = true;
            self.lane.stats.enter(Phase::Following);
        }
    }

    /// Takes note of what exists; says whether nothing is to be done about it: it is settled then, for no
    /// position waits for what was never admitted.
    fn saw(&mut self, id: &ObjectId, seen: &Seen) -> bool {
        self.lane.stats.events.add(1);
        match &mut self.list {
            Some(list) => list.saw(id, seen.at()),
            None => self.follow(),
        }
        let unchanged = self.lane.has_already(id, seen);
        if unchanged {
            self.lane.stats.unchanged.add(1);
        }
        unchanged
    }

    /// A list waits for room, for it can; a watch must be read on, so what finds no room is read again later.
    async fn make_room(&self, body: bytes::Bytes) -> Option<Held> {
        let room = &self.lane.ctx.queue_room;
        let share = if self.list.is_some() { room.take(body.len()).await } else { room.try_take(body.len()) };
        share.map(|share| Held::new(body, share))
    }

    async fn complete(&mut self, at: ResourceVersion, resume: ResourceVersion) -> Result<Next> {
        let lane = self.lane.clone();
        let Some(list) = self.list.take() else { return Ok(Next::Observation) };
        if list.is_base && self.went_backwards(&at) {
            tracing::warn!(kind = %lane.group_kind, %at, "the list is older than the saved position");
            return Ok(Next::End(End::Rewound));
        }
        let is_base = list.is_base;
        let order = Order { incarnation: lane.judge.incarnation, resource_version: at.clone() };
        let proof = if list.coverage.selector { Proof::LeftSelection } else { Proof::Absent };
        match absence::decide(&lane, list, &order, self.suspicious).await? {
            Decision::Delete(ids) => {
                for id in ids {
                    lane.offer(&id, Seen::Gone { at: at.clone(), proof }).await;
                }
                if is_base {
                    self.suspicious = false;
                    self.ask_at = Duration::MAX;
                    lane.withhold(None).await;
                }
            }
            Decision::Rewound(id) => {
                tracing::warn!(%id, %at, "the list shows an older state than the log has");
                return Ok(Next::End(End::Rewound));
            }
            Decision::Withhold { withheld, namespaces } => {
                tracing::warn!(kind = %lane.group_kind, count = withheld.count, of = withheld.of, "deletions withheld");
                self.namespaces = namespaces;
                self.ask_at = lane.ctx.options.runtime.uptime() + lane.ctx.options.position_interval;
                lane.withhold(Some(withheld)).await;
            }
        }
        self.complete = true;
        if is_base {
            self.fresh = false;
            lane.stats.lists.add(1);
            lane.stats.enter(Phase::Following);
        }
        lane.tracker(|t| t.low.complete_list(is_base.then_some(resume)));
        Ok(Next::Observation)
    }

    /// A one-shot source does not compare with the saved position by itself.
    fn went_backwards(&self, at: &ResourceVersion) -> bool {
        match (at.number(), self.floor.as_ref().and_then(ResourceVersion::number)) {
            (Some(now), Some(saved)) => now < saved,
            _ => false,
        }
    }

    /// Whether it is time to look at everything anew.
    async fn is_due(&mut self) -> bool {
        let now = self.lane.ctx.options.runtime.uptime();
        let compare = self.compare_at <= now;
        if compare {
            self.compare_at = next_compare(&self.lane.ctx.options);
        }
        // A list that is under way is such a look.
        (compare && self.list.is_none()) || (self.ask_at <= now && self.is_one_proven_gone().await)
    }

    /// Whether one of the namespaces whose deletions are withheld is gone for certain by now.
    async fn is_one_proven_gone(&mut self) -> bool {
        self.ask_at = self.lane.ctx.options.runtime.uptime() + self.lane.ctx.options.position_interval;
        for namespace in &self.namespaces {
            if absence::is_namespace_gone(&self.lane, namespace).await {
                return true;
            }
        }
        false
    }
}

/// When the next compare is due: not of all kinds at the same time.
fn next_compare(options: &EngineOptions) -> Duration {
    let interval = options.compare_interval;
    // Between three and five quarters of it.
    let part = u32::try_from(options.runtime.random() % 512).unwrap_or(0) + 768;
    options.runtime.uptime().saturating_add(interval.saturating_mul(part) / 1024)
}
