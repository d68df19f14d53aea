//! Reads one kind's observations, and works out what a complete list says of what it does not show.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::{StreamExt, stream::BoxStream};

use crate::{
    error::{Category, Error, Failure, Result, chain},
    object::{ObjectId, ResourceVersion},
    pipeline::{
        absence::{self, Absence},
        budget::Held,
        event::ObjectEvent,
        kind::KindPipeline,
        listing::Listing,
        messages::EngineEvent,
        position::LowWater,
        stats::KindPhase,
    },
    record::Order,
    runtime::SharedRuntime,
    source::{Coverage, Observation, Observed, Proof, SourceError},
};

type Stream = BoxStream<'static, Result<Observation, SourceError>>;

/// What an observation leads to.
#[derive(Debug)]
enum Next {
    /// Read on.
    Observation,
    /// List everything anew: the position is of no use, or (`in_full`) too much differs from the log.
    Relist {
        in_full: bool,
    },
    End(End),
}

/// Why reading ended.
#[derive(Debug)]
enum End {
    /// The stream ended.
    Stream,
    /// The lane is drained.
    Stopped,
    /// resourceVersions went backwards.
    Rewound,
}

#[derive(Debug)]
pub(crate) struct Reader {
    pipeline: KindPipeline,
    /// Where the stream resumes at first.
    from: Option<ResourceVersion>,
    /// A cluster whose resourceVersion is below this was restored from a backup.
    floor: Option<ResourceVersion>,
    /// The log has nothing of this kind in this incarnation, but may have of an earlier one: deletions of what
    /// was recorded then need to be acknowledged.
    suspicious: bool,
    list: Option<Listing>,
    /// Nothing was read yet: a list that begins now is of the whole kind.
    fresh: bool,
    /// The last list was read to its end and nothing failed since.
    complete: bool,
    error: Option<SourceError>,
    /// Namespaces of withheld deletions, to be asked for again.
    namespaces: BTreeSet<Arc<str>>,
    ask_at: Duration,
    /// When to list everything anew although nothing is wrong.
    compare_at: Duration,
}

impl Reader {
    pub(crate) fn new(
        pipeline: KindPipeline,
        from: Option<ResourceVersion>,
        floor: Option<ResourceVersion>,
        suspicious: bool,
    ) -> Self {
        let compare_at = next_compare(&pipeline.shared.runtime, pipeline.shared.reader.compare_interval);
        Self {
            pipeline,
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
        let KindPipeline { lane, shared } = self.pipeline.clone();
        let event = lane.kill.clone().run_until_cancelled_owned(async {
            match self.read().await {
                Ok(End::Rewound) => EngineEvent::Rewound { lane: lane.clone() },
                Ok(End::Stopped) => EngineEvent::StreamEnded { lane: lane.clone(), error: None },
                Ok(End::Stream) => {
                    let error = self.incomplete();
                    lane.wait_until_idle().await;
                    lane.stats.enter(if error.is_some() { KindPhase::Failed } else { KindPhase::Done });
                    EngineEvent::StreamEnded { lane: lane.clone(), error }
                }
                Err(error) => EngineEvent::Fatal(error),
            }
        });
        if let Some(event) = event.await {
            shared.events.send(event);
        }
    }

    /// Why a stream that ended says less than everything.
    fn incomplete(&mut self) -> Option<Error> {
        if self.complete && self.list.is_none() {
            return None;
        }
        Some(Error::Source(self.error.take().unwrap_or_else(|| SourceError {
            what: format!("list {}: it ended before it was complete", self.pipeline.lane.group_kind()),
            category: Category::Unavailable,
            source: None,
        })))
    }

    async fn read(&mut self) -> Result<End> {
        let KindPipeline { lane, shared } = self.pipeline.clone();
        // A list that was cut together with the stream before this one.
        lane.low_water(LowWater::cancel_list);
        if self.from.is_some() {
            lane.stats.enter(KindPhase::Following);
        }
        let mut stream = match &self.from {
            Some(_) => shared.lookup.source.observe(&lane.kind, self.from.clone()),
            None => self.list_kind(false),
        };
        loop {
            let wake = self.ask_at.min(self.compare_at).saturating_sub(shared.runtime.uptime());
            let wake = shared.runtime.sleep(wake.min(Duration::from_hours(24)));
            let next = tokio::select! {
                biased;
                () = lane.drain.cancelled() => return Ok(End::Stopped),
                () = lane.relist_requested() => {
                    stream = self.relist(false);
                    continue;
                }
                next = stream.next() => next,
                () = wake => {
                    if self.is_due().await {
                        stream = self.relist(false);
                    }
                    continue;
                }
            };
            let observation = match next {
                None => return Ok(End::Stream),
                Some(Ok(observation)) => observation,
                Some(Err(error)) => {
                    tracing::warn!(kind = %lane.group_kind(), error = chain(&error), "cannot read a kind");
                    lane.stats.set_error(Some(Failure::from(&error)));
                    self.error = Some(error);
                    continue;
                }
            };
            let handled = lane.drain.run_until_cancelled(self.handle(observation)).await;
            match handled.transpose()? {
                None => return Ok(End::Stopped),
                Some(Next::Observation) => {}
                Some(Next::Relist { in_full }) => stream = self.relist(in_full),
                Some(Next::End(end)) => return Ok(end),
            }
        }
    }

    /// Everything that there is: its content only where the log has none of it, unless all is wanted.
    fn list_kind(&self, in_full: bool) -> Stream {
        let KindPipeline { lane, shared } = &self.pipeline;
        let source = &shared.lookup.source;
        if !in_full && lane.is_in_log() { source.compare(&lane.kind) } else { source.observe(&lane.kind, None) }
    }

    fn relist(&mut self, in_full: bool) -> Stream {
        self.list = None;
        self.fresh = true;
        self.ask_at = Duration::MAX;
        self.pipeline.lane.low_water(LowWater::cancel_list);
        self.list_kind(in_full)
    }

    async fn handle(&mut self, observation: Observation) -> Result<Next> {
        let lane = self.pipeline.lane.clone();
        if self.error.take().is_some() {
            lane.stats.set_error(None);
        }
        match observation {
            Observation::Begin(coverage) => self.begin_list(coverage),
            Observation::Object(Observed { id, resource_version, body }) => {
                lane.stats.selected.add(1);
                let event = ObjectEvent::Present { at: resource_version.clone(), body: None };
                if !self.note_existing(&id, &event) {
                    let body = self.make_room(body).await;
                    self.pipeline.enqueue(&id, ObjectEvent::Present { at: resource_version, body }).await;
                }
            }
            Observation::Exists { id, at } => {
                lane.stats.selected.add(1);
                let event = ObjectEvent::Present { at, body: None };
                if !self.note_existing(&id, &event) {
                    self.pipeline.enqueue(&id, event).await;
                    if self.list.as_mut().is_some_and(|list| !list.may_read_one()) {
                        return Ok(Next::Relist { in_full: true });
                    }
                }
            }
            Observation::Unselected { id, at } => {
                let event = ObjectEvent::Unselected { at };
                if !self.note_existing(&id, &event) {
                    self.pipeline.enqueue(&id, event).await;
                }
            }
            Observation::Gone { id, at, proof } => {
                lane.stats.events.add(1);
                self.note_following();
                self.pipeline.enqueue(&id, ObjectEvent::Gone { at, proof }).await;
            }
            Observation::Complete { at, resume } => return self.complete_list(at, resume).await,
            Observation::Mark(at) => {
                self.note_following();
                lane.low_water(|low| low.mark(at));
            }
            Observation::Expired => return Ok(Next::Relist { in_full: false }),
            Observation::Rewound { now } => {
                tracing::warn!(kind = %lane.group_kind(), %now, "the cluster's resourceVersion went backwards");
                return Ok(Next::End(End::Rewound));
            }
        }
        Ok(Next::Observation)
    }

    fn begin_list(&mut self, coverage: Coverage) {
        // A list that is begun again in place of one that was cut is what that one was.
        let is_base = self.list.as_ref().map_or(self.fresh, |cut| cut.is_base);
        self.list = Some(Listing::new(coverage, is_base));
        self.complete = false;
        if is_base {
            self.pipeline.lane.stats.enter(KindPhase::Listing);
        }
        self.pipeline.lane.low_water(LowWater::begin_list);
    }

    /// Something came that belongs to no list.
    fn note_following(&mut self) {
        if self.list.is_none() && self.fresh {
            self.fresh = false;
            self.complete = true;
            self.pipeline.lane.stats.enter(KindPhase::Following);
        }
    }

    /// Takes note of an object that exists; says whether nothing is to be done about it: it is settled then, for
    /// no position waits for what was never admitted.
    fn note_existing(&mut self, id: &ObjectId, event: &ObjectEvent) -> bool {
        self.pipeline.lane.stats.events.add(1);
        match &mut self.list {
            Some(list) => list.note(id, event.at()),
            None => self.note_following(),
        }
        let unchanged = self.pipeline.has_already(id, event);
        if unchanged {
            self.pipeline.lane.stats.unchanged.add(1);
        }
        unchanged
    }

    /// A list waits for room, for it can; a watch must be read on, so what finds no room is read again later.
    async fn make_room(&self, body: bytes::Bytes) -> Option<Held> {
        let room = &self.pipeline.shared.queue_room;
        let share = if self.list.is_some() { room.take(body.len()).await } else { room.try_take(body.len()) };
        share.map(|share| Held::new(body, share))
    }

    async fn complete_list(&mut self, at: ResourceVersion, resume: ResourceVersion) -> Result<Next> {
        let lane = self.pipeline.lane.clone();
        let Some(list) = self.list.take() else { return Ok(Next::Observation) };
        if list.is_base && self.went_backwards(&at) {
            tracing::warn!(kind = %lane.group_kind(), %at, "the list is older than the saved position");
            return Ok(Next::End(End::Rewound));
        }
        let is_base = list.is_base;
        let order = Order { incarnation: lane.decider.incarnation, resource_version: at.clone() };
        let proof = if list.coverage.selector { Proof::LeftSelection } else { Proof::Absent };
        match absence::assess(&self.pipeline, list, &order, self.suspicious).await? {
            Absence::Delete(ids) => {
                for id in ids {
                    self.pipeline.enqueue(&id, ObjectEvent::Gone { at: at.clone(), proof }).await;
                }
                if is_base {
                    self.suspicious = false;
                    self.ask_at = Duration::MAX;
                    self.pipeline.withhold(None).await;
                }
            }
            Absence::Rewound(id) => {
                tracing::warn!(%id, %at, "the list shows an older state than the log has");
                return Ok(Next::End(End::Rewound));
            }
            Absence::Withhold { withheld, namespaces } => {
                tracing::warn!(kind = %lane.group_kind(), count = withheld.count, of = withheld.of, "deletions withheld");
                self.namespaces = namespaces;
                self.ask_at = self.next_ask();
                self.pipeline.withhold(Some(withheld)).await;
            }
        }
        self.complete = true;
        if is_base {
            self.fresh = false;
            lane.stats.lists.add(1);
            lane.stats.enter(KindPhase::Following);
        }
        lane.low_water(|low| low.complete_list(is_base.then_some(resume)));
        Ok(Next::Observation)
    }

    /// A one-shot source does not compare with the saved position by itself.
    fn went_backwards(&self, at: &ResourceVersion) -> bool {
        match (at.number(), self.floor.as_ref().and_then(ResourceVersion::number)) {
            (Some(now), Some(saved)) => now < saved,
            _ => false,
        }
    }

    /// Whether it is time to list everything anew.
    async fn is_due(&mut self) -> bool {
        let shared = &self.pipeline.shared;
        let now = shared.runtime.uptime();
        let compare = self.compare_at <= now;
        if compare {
            self.compare_at = next_compare(&shared.runtime, shared.reader.compare_interval);
        }
        // A list that is under way is such a look.
        (compare && self.list.is_none()) || (self.ask_at <= now && self.is_one_proven_gone().await)
    }

    /// Whether one of the namespaces whose deletions are withheld is gone for certain by now.
    async fn is_one_proven_gone(&mut self) -> bool {
        self.ask_at = self.next_ask();
        for namespace in &self.namespaces {
            if absence::is_namespace_gone(&self.pipeline, namespace).await {
                return true;
            }
        }
        false
    }

    fn next_ask(&self) -> Duration {
        self.pipeline.shared.runtime.uptime() + self.pipeline.shared.reader.ask_interval
    }
}

/// When the next compare is due: not of all kinds at the same time.
fn next_compare(runtime: &SharedRuntime, interval: Duration) -> Duration {
    // Between three and five quarters of it.
    let part = u32::try_from(runtime.random() % 512).unwrap_or(0) + 768;
    runtime.uptime().saturating_add(interval.saturating_mul(part) / 1024)
}
