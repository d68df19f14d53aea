//! The objects of one kind: listed, and then watched where the source is continuous.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bastion_core::{
    backoff::Backoff,
    error::Category,
    object::{Kind, ResourceVersion, Scope},
    select::Selection,
    source::{Observation, SourceError},
};
use futures::stream::BoxStream;
use tokio::time::Instant;

use crate::{
    client::Client,
    error::Error,
    http::{
        backoff::{patient, random},
        fault::{Fault, Right, Status},
        lines::Lines,
        pages::{self, Pages},
        paths,
        rest::Request,
    },
    meta::Event,
    source::{
        judge::{Judge, Judged},
        namespaces::Followed,
        outage::Outage,
    },
};

/// How often a list of metadata is tried before whole objects are listed.
const METADATA_TRIES: u32 = 3;
/// Tries of a one-shot list beyond those of its single calls.
const ONE_SHOT_TRIES: u32 = 4;
/// A right that is missing may be granted: look again that often.
const DENIED_AGAIN: Duration = Duration::from_secs(30);
/// The annotations of namespaces should be known by then.
const NAMESPACES_WITHIN: Duration = Duration::from_secs(15);
/// A watch that ended sooner, without a word, is not opened again at once.
const SHORT: Duration = Duration::from_secs(1);

/// What comes next.
#[derive(Debug)]
enum Phase {
    /// Resume after a resourceVersion, once it is known that the cluster has got that far.
    Resume(ResourceVersion),
    /// Begin a list.
    List,
    /// Go on with a list.
    Paging(Box<Pages>),
    /// Open a watch.
    Connect(ResourceVersion),
    /// Read it.
    Watch(Box<Watching>),
    /// Nothing more.
    Done,
}

#[derive(Debug)]
struct Watching {
    lines: Lines,
    at: ResourceVersion,
    since: Instant,
    heard: bool,
}

/// Follows one kind; a state machine whose steps fill `out`.
#[derive(Debug)]
pub(crate) struct Follower {
    client: Client,
    judge: Judge,
    continuous: bool,
    /// Lists show metadata only.
    metadata_only: bool,
    phase: Phase,
    out: VecDeque<Result<Observation, SourceError>>,
    pause: Option<Duration>,
    backoff: Backoff,
    outage: Outage,
    /// Changes of namespaces' annotations, where they matter.
    changes: Option<Followed>,
    /// Namespaces whose objects must be judged anew, and the list of one of them that is under way.
    stale: Vec<String>,
    relist: Option<Pages>,
}

impl Follower {
    /// Lists and watches, or resumes after `from`.
    pub(crate) fn continuous(client: Client, judge: Judge, from: Option<ResourceVersion>) -> Self {
        Self { continuous: true, phase: from.map_or(Phase::List, Phase::Resume), ..Self::once(client, judge) }
    }

    /// Lists metadata only, and watches.
    pub(crate) fn comparing(client: Client, judge: Judge) -> Self {
        Self { metadata_only: true, ..Self::continuous(client, judge, None) }
    }

    /// Lists once.
    pub(crate) fn once(client: Client, judge: Judge) -> Self {
        let changes = judge.namespaces.as_ref().map(Followed::new);
        Self {
            client,
            judge,
            continuous: false,
            metadata_only: false,
            phase: Phase::List,
            out: VecDeque::new(),
            pause: None,
            backoff: patient(),
            outage: Outage::default(),
            changes,
            stale: Vec::new(),
            relist: None,
        }
    }

    /// Lists and watches a kind whole, for our own use.
    pub(crate) fn everything(client: Client, kind: Kind) -> Self {
        let selection = Arc::new(Selection::all());
        Self::continuous(client, Judge { kind, selection, namespaces: None }, None)
    }

    pub(crate) fn stream(self) -> BoxStream<'static, Result<Observation, SourceError>> {
        Box::pin(futures::stream::unfold(self, |mut follower| async {
            loop {
                if let Some(item) = follower.out.pop_front() {
                    return Some((item, follower));
                }
                if matches!(follower.phase, Phase::Done) {
                    return None;
                }
                follower.step().await;
            }
        }))
    }

    async fn step(&mut self) {
        if let Some(pause) = self.pause.take() {
            tokio::time::sleep(pause).await;
        }
        // `Done` stands in while the step runs; every branch sets the next phase.
        match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Resume(from) => self.resume(from).await,
            Phase::List => self.begin().await,
            Phase::Paging(pages) => self.page(pages).await,
            phase @ (Phase::Connect(_) | Phase::Watch(_)) if self.relist.is_some() || !self.stale.is_empty() => {
                self.phase = phase;
                self.judge_anew().await;
            }
            Phase::Connect(at) => self.connect(at).await,
            Phase::Watch(watching) => self.listen(watching).await,
            Phase::Done => {}
        }
    }

    /// Waits until the annotations of namespaces are known. Without them everything that a namespace marks
    /// would look released.
    async fn namespaces(&mut self) -> Result<(), Error> {
        let Some(changes) = &mut self.changes else { return Ok(()) };
        match tokio::time::timeout(NAMESPACES_WITHIN, changes.ready()).await {
            Ok(true) => Ok(()),
            _ => Err(Error::Unavailable {
                doing: format!("following {}", self.judge.kind),
                message: "the annotations of namespaces are not known; namespaces must be listed and watched".into(),
                source: None,
            }),
        }
    }

    async fn resume(&mut self, from: ResourceVersion) {
        if let Err(error) = self.namespaces().await {
            return self.failed(error, Phase::Resume(from));
        }
        let missed = self.changes.as_mut().map(|changes| changes.take_after(&from));
        self.add_stale(missed.unwrap_or_default());
        match pages::now(&self.client, &self.judge.kind, self.place()).await {
            // Watching from a resourceVersion of the future is silence without end.
            Ok(now) if now.number().zip(from.number()).is_some_and(|(now, from)| now < from) => {
                self.out.push_back(Ok(Observation::Rewound { now }));
                self.phase = Phase::List;
            }
            Ok(_) => self.phase = Phase::Connect(from),
            Err(error) => self.failed(error, Phase::Resume(from)),
        }
    }

    async fn begin(&mut self) {
        if let Err(error) = self.namespaces().await {
            return self.failed(error, Phase::List);
        }
        // The list shows what they did.
        if let Some(changes) = &mut self.changes {
            changes.take();
        }
        (self.stale, self.relist) = (Vec::new(), None);
        self.out.push_back(Ok(Observation::Begin(self.judge.coverage())));
        let (client, kind) = (self.client.clone(), self.judge.kind.clone());
        let selection = &self.judge.selection;
        let pages = if self.judge.coverage().namespaces.is_some() {
            Pages::namespaces(client, kind, selection.labels.as_ref().map(ToString::to_string), &selection.namespaces)
        } else {
            Pages::everywhere(client, kind, selection.labels.as_ref().map(ToString::to_string))
        };
        let pages = if self.metadata_only { pages.of_metadata() } else { pages };
        self.phase = Phase::Paging(Box::new(pages));
    }

    async fn page(&mut self, mut pages: Box<Pages>) {
        let read = if self.metadata_only {
            pages.next_items().await.and_then(|page| self.judge_page(page, Judge::item))
        } else {
            pages.next().await.and_then(|page| self.judge_page(page, Judge::present))
        };
        match read {
            Ok(true) => self.phase = Phase::Paging(pages),
            Ok(false) => {
                let at = pages.at();
                self.recovered();
                let resume = self.position(&at);
                self.out.push_back(Ok(Observation::Complete { at: at.clone(), resume }));
                self.phase = if self.continuous { Phase::Connect(at) } else { Phase::Done };
            }
            // What was listed so far proves nothing of the rest: begin again.
            Err(error) => {
                // Who cannot show metadata alone, or not so much at once, may still show everything piece by piece.
                self.metadata_only &= self.backoff.failures() < METADATA_TRIES;
                self.failed(error, Phase::List);
            }
        }
    }

    /// Judges a page; `false` where there was none.
    fn judge_page<T>(
        &mut self,
        page: Option<Vec<T>>,
        judge: fn(&Judge, &T) -> Result<Judged, String>,
    ) -> Result<bool, Error> {
        let Some(items) = page else { return Ok(false) };
        for item in items {
            let judged = judge(&self.judge, &item).map_err(|why| self.malformed(why))?;
            self.out.extend(judged.observation.map(Ok));
        }
        Ok(true)
    }

    /// Lists a namespace whose annotation changed, a page at a time.
    async fn judge_anew(&mut self) {
        let mut pages = match (self.relist.take(), self.stale.last()) {
            (Some(pages), _) => pages,
            (None, Some(namespace)) => {
                let (client, kind) = (self.client.clone(), self.judge.kind.clone());
                Pages::namespaces(
                    client,
                    kind,
                    self.judge.selection.labels.as_ref().map(ToString::to_string),
                    [namespace],
                )
            }
            (None, None) => return,
        };
        match pages.next().await.and_then(|page| self.judge_page(page, Judge::present)) {
            Ok(true) => self.relist = Some(pages),
            Ok(false) => drop(self.stale.pop()),
            Err(error) => {
                let phase = std::mem::replace(&mut self.phase, Phase::Done);
                self.failed(error, phase);
            }
        }
    }

    async fn connect(&mut self, at: ResourceVersion) {
        // Spread, so that a hundred watches do not come back in one moment.
        let seconds = (300 + random() % 300).to_string();
        let mut query = vec![
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", &seconds),
            ("resourceVersion", at.as_str()),
        ];
        if let Some(labels) = &self.judge.selection.labels {
            query.push(("labelSelector", labels.as_str()));
        }
        let path = paths::with_query(&paths::collection(&self.judge.kind, self.place()), &query);
        match self.client.open(&Request::get(path), true).await {
            Ok(body) => {
                self.outage.over();
                let watching = Watching { lines: Lines::new(body), at, since: Instant::now(), heard: false };
                self.phase = Phase::Watch(Box::new(watching));
            }
            Err(Fault::Status(status)) if status.code == 410 => self.expired(),
            // A saved text that never was a resourceVersion would fail for ever.
            Err(Fault::Status(status)) if at.number().is_none() && matches!(status.code, 400 | 500) => self.expired(),
            Err(fault) => self.failed(self.watch_error(fault), Phase::Resume(at)),
        }
    }

    async fn listen(&mut self, mut watching: Box<Watching>) {
        let idle = self.client.options().watch_idle_timeout;
        let changed = async {
            match &mut self.changes {
                Some(changes) => changes.changed().await,
                None => std::future::pending().await,
            }
        };
        let line = tokio::select! {
            biased;
            () = changed => {
                let changed = self.changes.as_mut().map(Followed::take);
                self.add_stale(changed.unwrap_or_default());
                self.phase = Phase::Watch(watching);
                return;
            }
            line = tokio::time::timeout(idle, watching.lines.next()) => line,
        };
        match line {
            Ok(Ok(Some(line))) => self.event(watching, &line),
            // The server ends a watch when its time is up. One that said nothing at all may have been
            // waiting for a future that will not come.
            Ok(Ok(None)) if watching.heard => self.phase = Phase::Connect(watching.at),
            Ok(Ok(None)) => {
                if watching.since.elapsed() < SHORT {
                    self.pause = Some(self.backoff.next(random()));
                }
                self.phase = Phase::Resume(watching.at);
            }
            // Connections are cut by whoever stands between; only if it does not come back it is a failure.
            Ok(Err(fault @ Fault::Transport { .. })) if watching.since.elapsed() >= SHORT => {
                tracing::debug!(kind = %self.judge.kind, %fault, "watch was cut; opening it anew");
                self.phase = Phase::Resume(watching.at);
            }
            Ok(Err(fault)) => self.failed(self.watch_error(fault), Phase::Resume(watching.at)),
            Err(_) => {
                tracing::debug!(kind = %self.judge.kind, ?idle, "watch is silent; opening it anew");
                self.phase = Phase::Resume(watching.at);
            }
        }
    }

    fn event(&mut self, mut watching: Box<Watching>, line: &[u8]) {
        let judged = Event::parse(line).and_then(|event| {
            let object = event.object.get().as_bytes();
            match event.kind.as_ref() {
                "ADDED" | "MODIFIED" => self.judge.present(&bytes::Bytes::copy_from_slice(object)).map(Ok),
                "DELETED" => self.judge.deleted(object).map(Ok),
                "BOOKMARK" => crate::meta::Head::parse(object).map(|head| {
                    let at = ResourceVersion::new(head.metadata.resource_version.as_ref());
                    Ok(Judged { observation: Some(Observation::Mark(at.clone())), at })
                }),
                "ERROR" => Ok(Err(Status::of_event(object))),
                other => Err(format!("an event of type {} letters", other.len())),
            }
        });
        match judged {
            Ok(Ok(Judged { observation, at })) => {
                if at.number().zip(watching.at.number()).is_some_and(|(now, seen)| now < seen) {
                    self.out.push_back(Ok(Observation::Rewound { now: at }));
                    self.phase = Phase::List;
                    return;
                }
                let bookmark = matches!(observation, Some(Observation::Mark(_)));
                self.out.extend(observation.filter(|_| !bookmark).map(Ok));
                if bookmark || !watching.lines.waiting() {
                    let position = self.position(&at);
                    self.out.push_back(Ok(Observation::Mark(position)));
                }
                (watching.at, watching.heard) = (at, true);
                self.recovered();
                self.phase = Phase::Watch(watching);
            }
            Ok(Err(status)) if status.code == 410 => self.expired(),
            Ok(Err(status)) => {
                let error = self.watch_error(Fault::Status(Box::new(status)));
                self.failed(error, Phase::Resume(watching.at));
            }
            Err(why) => self.failed(self.malformed(why), Phase::Resume(watching.at)),
        }
    }

    fn expired(&mut self) {
        self.out.push_back(Ok(Observation::Expired));
        self.phase = Phase::List;
    }

    /// These namespaces are to be judged anew; one whose list is under way from its begin.
    fn add_stale(&mut self, namespaces: Vec<String>) {
        self.relist = None;
        for name in namespaces {
            if !self.stale.contains(&name) {
                self.stale.push(name);
            }
        }
    }

    /// Up to where this stream has seen everything.
    fn position(&mut self, at: &ResourceVersion) -> ResourceVersion {
        self.changes.as_mut().map_or_else(|| at.clone(), |changes| changes.position(at))
    }

    /// Where one namespace is all that is looked at, its own path needs fewer rights and sends less.
    fn place(&self) -> Option<&str> {
        let namespaces = &self.judge.selection.namespaces;
        let only = (namespaces.len() == 1).then(|| namespaces.first()).flatten();
        only.filter(|_| self.judge.kind.scope == Scope::Namespaced).map(String::as_str)
    }

    fn recovered(&mut self) {
        self.backoff.reset();
        self.outage.over();
    }

    /// Reports what failed and goes on with `next` after a while; a one-shot source gives up in the end.
    fn failed(&mut self, error: Error, next: Phase) {
        let denied = error.category() == Category::Denied;
        let wait =
            if denied { DENIED_AGAIN + Duration::from_millis(random() % 2000) } else { self.backoff.next(random()) };
        if !self.continuous && (!error.is_retryable() || self.backoff.failures() > ONE_SHOT_TRIES) {
            self.out.push_back(Err(error.into()));
            self.phase = Phase::Done;
            return;
        }
        let (category, now) = (error.category(), Instant::now());
        let news = match error {
            Error::Expired { .. } => self.outage.report_expired(category, now),
            _ => self.outage.report(category, now),
        };
        if self.continuous && news {
            self.out.push_back(Err(error.into()));
        } else {
            tracing::debug!(%error, ?wait, "trying again");
        }
        self.pause = Some(wait);
        self.phase = next;
    }

    fn watch_error(&self, fault: Fault) -> Error {
        let kind = &self.judge.kind;
        fault.into_error(format!("watching {kind}"), Right { verb: "watch", plural: &kind.plural, group: &kind.group })
    }

    fn malformed(&self, why: String) -> Error {
        Error::Malformed { doing: format!("reading objects of kind {}", self.judge.kind), why }
    }
}
