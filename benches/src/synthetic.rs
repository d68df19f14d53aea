//! A cluster that takes no memory: objects are written down when they are asked for.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bastion_core::{
    object::{GroupKind, Kind, ObjectId, ResourceVersion, Scope},
    pipeline::KindSnapshot,
    source::{Coverage, Current, KindChange, Observation, Observed, Source, SourceError},
};
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::mpsc;

/// How many kinds share the objects.
pub const KINDS: u64 = 5;
/// In how many namespaces they lie: `team-00` and so on.
pub const NAMESPACES: u64 = 50;
/// Their group.
pub const GROUP: &str = "bench.bastion.dev";

/// `objects` custom resources of 2 KiB in five kinds and fifty namespaces, and the events that are pushed.
#[derive(Debug)]
pub struct Synthetic {
    objects: u64,
    events: Vec<Sender>,
    streams: Mutex<Vec<Option<Receiver>>>,
}

type Sender = mpsc::UnboundedSender<Observation>;
type Receiver = mpsc::UnboundedReceiver<Observation>;

/// Which state of an object: `content` is what a person wrote, `status` what a controller did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Revision {
    /// Changes with what is backed up.
    pub content: u64,
    /// Changes with what is not.
    pub status: u64,
}

impl Synthetic {
    /// A cluster of that many objects.
    pub fn new(objects: u64) -> Self {
        let (events, streams) = (0..KINDS).map(|_| mpsc::unbounded_channel()).map(|(s, r)| (s, Some(r))).unzip();
        Self { objects, events, streams: Mutex::new(streams) }
    }

    /// How many objects there are.
    pub fn objects(&self) -> u64 {
        self.objects
    }

    /// Object `n` is in another state now.
    pub fn push(&self, n: u64, at: u64, revision: Revision) {
        let of = usize::try_from(n % KINDS).unwrap_or_default();
        // An engine that has ended hears of nothing.
        let _ = self.events[of].send(Observation::Object(self.object(n, at, revision)));
    }

    /// Object `n`, in that state.
    pub fn object(&self, n: u64, at: u64, revision: Revision) -> Observed {
        let (kind, place) = (n % KINDS, n / KINDS);
        // In the order of names, as an API server lists.
        let namespace = format!("team-{:02}", place * NAMESPACES / (self.objects / KINDS + 1));
        let name = format!("widget-{place:07}");
        let body = body(kind, &namespace, &name, at, revision);
        let id = ObjectId::new(&GroupKind::new(GROUP, kind_name(kind)), namespace, name);
        Observed { id, resource_version: at.into(), body: Bytes::from(body) }
    }

    fn listed(self: &Arc<Self>, kind: u64) -> impl Iterator<Item = Observation> + Send + use<> {
        let this = Arc::clone(self);
        let objects = (kind..self.objects).step_by(5);
        objects.map(move |n| Observation::Object(this.object(n, n + 1, Revision::default())))
    }
}

/// How many observations of a kind nothing is left to be done about.
pub fn settled(kind: &KindSnapshot) -> u64 {
    kind.unchanged + kind.committed + kind.coalesced
}

fn kind_name(kind: u64) -> String {
    format!("Widget{kind}")
}

fn body(kind: u64, namespace: &str, name: &str, at: u64, revision: Revision) -> String {
    let mut body = String::with_capacity(2600);
    let random = |n: u64| (n + 1).wrapping_mul(at).wrapping_add(revision.content).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // Writing into a String cannot fail.
    let _ = write!(
        body,
        r#"{{"apiVersion":"{GROUP}/v1","kind":"Widget{kind}","metadata":{{"name":"{name}","namespace":"{namespace}","#,
    );
    let _ = write!(
        body,
        r#""uid":"5f2c0000-0000-4000-8000-{:012x}","resourceVersion":"{at}","generation":{},"creationTimestamp":"2026-01-01T00:00:00Z","labels":{{"app.kubernetes.io/name":"{name}","app.kubernetes.io/managed-by":"Helm","team":"{namespace}"}},"#,
        kind << 32 | u64::from(crc(name)),
        revision.content + 1,
    );
    body.push_str(r#""managedFields":[{"manager":"kubectl","operation":"Apply","apiVersion":"bench.bastion.dev/v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:app.kubernetes.io/name":{},"f:app.kubernetes.io/managed-by":{},"f:team":{}}},"f:spec":{"f:replicas":{},"f:image":{},"f:containers":{}}}}]},"#);
    let _ = write!(
        body,
        r#""spec":{{"replicas":{},"image":"registry.example.com/{name}:1.{}","containers":["#,
        at % 9,
        revision.content
    );
    for n in 0..8 {
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(
            body,
            r#"{comma}{{"name":"part-{n}","value":"{:016x}","ratio":0.25,"resources":{{"requests":{{"cpu":"100m","memory":"128Mi"}}}}}}"#,
            random(n),
        );
    }
    let _ = write!(
        body,
        r#"]}},"status":{{"observedBeat":{},"conditions":[{{"type":"Ready","status":"True","reason":"Beat","lastTransitionTime":"2026-01-01T00:00:00Z"}}]}}}}"#,
        revision.status,
    );
    body
}

fn crc(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The cluster as the engine sees it.
#[derive(Debug)]
pub struct View(pub Arc<Synthetic>);

#[async_trait]
impl Source for View {
    async fn cluster_uid(&self) -> Result<String, SourceError> {
        Ok("synthetic".to_owned())
    }

    fn policy(&self) -> Arc<str> {
        "all".into()
    }

    fn selection_fingerprint(&self) -> String {
        "all".to_owned()
    }

    fn kinds(&self) -> BoxStream<'static, KindChange> {
        let kinds = (0..KINDS).map(|n| {
            KindChange::Added(Kind {
                group: GROUP.into(),
                version: "v1".into(),
                kind: kind_name(n).into(),
                plural: format!("widget{n}s").into(),
                scope: Scope::Namespaced,
            })
        });
        stream::iter(kinds.chain([KindChange::Settled])).chain(stream::pending()).boxed()
    }

    fn observe(
        &self,
        kind: &Kind,
        _from: Option<ResourceVersion>,
    ) -> BoxStream<'static, Result<Observation, SourceError>> {
        let number = (0..KINDS).find(|n| *kind.kind == *kind_name(*n)).unwrap_or_default();
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let events = usize::try_from(number).ok().and_then(|n| streams[n].take());
        let listed = [Observation::Begin(Coverage::default())]
            .into_iter()
            .chain(self.0.listed(number))
            .chain([Observation::Complete { at: self.0.objects.into(), resume: self.0.objects.into() }]);
        let events = stream::unfold(events, async |mut events| {
            let next = events.as_mut()?.recv().await?;
            Some((next, events))
        });
        stream::iter(listed).chain(events).chain(stream::pending()).map(Ok).boxed()
    }

    fn compare(&self, kind: &Kind) -> BoxStream<'static, Result<Observation, SourceError>> {
        self.observe(kind, None)
    }

    async fn get(&self, _kind: &Kind, _id: &ObjectId) -> Result<Option<Current>, SourceError> {
        Ok(None)
    }
}
