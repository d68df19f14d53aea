//! The objects of one kind: listed, and then watched where the source is continuous.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bastion_core::{
    backoff::Backoff,
    error::Category,
    object::{Kind, ResourceVersion},
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
        namespaces::{Followed, Namespaces},
        observer::{Observer, Seen},
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
    /// Whether any event came.
    any_event: bool,
}

/// Follows one kind; a state machine whose steps fill `out`.
#[derive(Debug)]
pub(crate) struct Follower {
    client: Client,
    observer: Observer,
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
    /// Namespaces whose objects must be decided over again, and the list of one of them that is under way.
    stale: Vec<String>,
    relist: Option<Pages>,
}

impl Follower {
    /// Lists and watches, or resumes after `from`.
    pub(crate) fn continuous(client: Client, observer: Observer, from: Option<ResourceVersion>) -> Self {
        Self { continuous: true, phase: from.map_or(Phase::List, Phase::Resume), ..Self::once(client, observer) }
    }

    /// Lists metadata only, and watches.
    pub(crate) fn comparing(client: Client, observer: Observer) -> Self {
        Self { metadata_only: true, ..Self::continuous(client, observer, None) }
    }

    /// Lists once.
    pub(crate) fn once(client: Client, observer: Observer) -> Self {
        let changes = observer.namespaces.as_ref().map(Followed::new);
        Self {
            client,
            observer,
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
        let namespaces = Namespaces::new(Vec::new());
        Self::continuous(client, Observer::new(kind, Arc::new(Selection::all()), &namespaces), None)
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
                self.reevaluate().await;
            }
            Phase::Connect(at) => self.connect(at).await,
            Phase::Watch(watching) => self.read(watching).await,
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
                doing: format!("following {}", self.observer.kind),
                message: "the annotations of namespaces are not known; grant list and watch on namespaces".into(),
                source: None,
            }),
        }
    }

    async fn resume(&mut self, from: ResourceVersion) {
        if let Err(error) = self.namespaces().await {
            return self.failed(error, Phase::Resume(from));
        }
        let missed = self.changes.as_mut().map(|changes| changes.changes_after(&from));
        self.add_stale(missed.unwrap_or_default());
        match pages::now(&self.client, &self.observer.kind, self.observer.server.only_namespace()).await {
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
            changes.changes();
        }
        (self.stale, self.relist) = (Vec::new(), None);
        self.out.push_back(Ok(Observation::Begin(self.observer.server.coverage())));
        let pages = self.pages(self.observer.server.namespaces.as_deref());
        let pages = if self.metadata_only { pages.of_metadata() } else { pages };
        self.phase = Phase::Paging(Box::new(pages));
    }

    /// A list of these namespaces, or of everything.
    fn pages(&self, namespaces: Option<&[String]>) -> Pages {
        let (client, kind) = (self.client.clone(), self.observer.kind.clone());
        let labels = self.observer.server.label_selector.clone();
        match namespaces {
            Some(namespaces) => Pages::namespaces(client, kind, labels, namespaces),
            None => Pages::everywhere(client, kind, labels),
        }
    }

    async fn page(&mut self, mut pages: Box<Pages>) {
        let read = if self.metadata_only {
            pages.next_items().await.and_then(|page| self.observe_page(page, Observer::item))
        } else {
            pages.next().await.and_then(|page| self.observe_page(page, Observer::object))
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

    /// Decides over the objects of a page; `false` where there was none.
    fn observe_page<T>(
        &mut self,
        page: Option<Vec<T>>,
        observe: fn(&mut Observer, &T) -> Result<Seen, String>,
    ) -> Result<bool, Error> {
        let Some(items) = page else { return Ok(false) };
        for item in items {
            let (observation, _) = observe(&mut self.observer, &item).map_err(|why| self.malformed(why))?;
            self.out.extend(observation.map(Ok));
        }
        Ok(true)
    }

    /// Lists a namespace whose annotation changed, a page at a time.
    async fn reevaluate(&mut self) {
        let mut pages = match (self.relist.take(), self.stale.last()) {
            (Some(pages), _) => pages,
            (None, Some(namespace)) => self.pages(Some(std::slice::from_ref(namespace))),
            (None, None) => return,
        };
        match pages.next().await.and_then(|page| self.observe_page(page, Observer::object)) {
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
        if let Some(labels) = &self.observer.server.label_selector {
            query.push(("labelSelector", labels));
        }
        let path =
            paths::with_query(&paths::collection(&self.observer.kind, self.observer.server.only_namespace()), &query);
        match self.client.open(&Request::get(path), true).await {
            Ok(body) => {
                self.outage.over();
                let watching = Watching { lines: Lines::new(body), at, since: Instant::now(), any_event: false };
                self.phase = Phase::Watch(Box::new(watching));
            }
            Err(Fault::Status(status)) if status.code == 410 => self.expired(),
            // A saved text that never was a resourceVersion would fail for ever.
            Err(Fault::Status(status)) if at.number().is_none() && matches!(status.code, 400 | 500) => self.expired(),
            Err(fault) => self.failed(self.watch_error(fault), Phase::Resume(at)),
        }
    }

    async fn read(&mut self, mut watching: Box<Watching>) {
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
                let changed = self.changes.as_mut().map(Followed::changes);
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
            Ok(Ok(None)) if watching.any_event => self.phase = Phase::Connect(watching.at),
            Ok(Ok(None)) => {
                if watching.since.elapsed() < SHORT {
                    self.pause = Some(self.backoff.next(random()));
                }
                self.phase = Phase::Resume(watching.at);
            }
            // Connections are cut by whoever stands between; only if it does not come back it is a failure.
            Ok(Err(fault @ Fault::Transport { .. })) if watching.since.elapsed() >= SHORT => {
                tracing::debug!(kind = %self.observer.kind, %fault, "watch was closed; reopening it");
                self.phase = Phase::Resume(watching.at);
            }
            Ok(Err(fault)) => self.failed(self.watch_error(fault), Phase::Resume(watching.at)),
            Err(_) => {
                tracing::debug!(kind = %self.observer.kind, ?idle, "watch is idle; reopening it");
                self.phase = Phase::Resume(watching.at);
            }
        }
    }

    fn event(&mut self, mut watching: Box<Watching>, line: &[u8]) {
        let event = Event::parse(line).and_then(|event| {
            let object = event.object.get().as_bytes();
            match event.kind.as_ref() {
                "ADDED" | "MODIFIED" => self.observer.object(&bytes::Bytes::copy_from_slice(object)).map(Ok),
                "DELETED" => self.observer.deleted(object).map(Ok),
                "BOOKMARK" => crate::meta::Head::parse(object).map(|head| {
                    let at = ResourceVersion::new(head.metadata.resource_version.as_ref());
                    Ok((Some(Observation::Mark(at.clone())), at))
                }),
                "ERROR" => Ok(Err(Status::of_event(object))),
                other => Err(format!("an event of type {} letters", other.len())),
            }
        });
        match event {
            Ok(Ok((observation, at))) => {
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
                (watching.at, watching.any_event) = (at, true);
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

    /// The objects of these namespaces must be decided over again; a list that is under way starts over.
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
            tracing::debug!(%error, ?wait, "retrying");
        }
        self.pause = Some(wait);
        self.phase = next;
    }

    fn watch_error(&self, fault: Fault) -> Error {
        let kind = &self.observer.kind;
        fault.into_error(format!("watching {kind}"), Right { verb: "watch", plural: &kind.plural, group: &kind.group })
    }

    fn malformed(&self, why: String) -> Error {
        Error::Malformed { doing: format!("reading objects of kind {}", self.observer.kind), why }
    }
}
