//! The cluster under test, and how to wait for what it says.

use std::{
    fmt::Write as _,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use bastion_core::{
    object::{GroupKind, Kind, ObjectId, Scope},
    sink::{Created, Live, Sink},
    source::{Observation, SourceError},
};
use bastion_k8s::{ApplySink, Client, ConnectOptions, Selection, connect};
use bastion_tests::ControlPlane;
use futures::{StreamExt, stream::BoxStream};
use tokio::sync::OnceCell;

pub(crate) type Observations = BoxStream<'static, Result<Observation, SourceError>>;

/// Longer than anything that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) sink: ApplySink,
    kubeconfig: PathBuf,
    /// A namespace of this test's own.
    pub(crate) namespace: String,
}

/// The kubeconfig of the cluster that all tests share. It ends with this process, however that dies.
async fn kubeconfig() -> PathBuf {
    static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
    if let Some(given) = std::env::var_os("BASTION_TEST_KUBECONFIG") {
        return given.into();
    }
    let shared = SHARED.get_or_init(async || ControlPlane::start("bastion-k8s").await.unwrap()).await;
    shared.kubeconfig().unwrap()
}

impl Cluster {
    pub(crate) async fn new(story: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let kubeconfig = kubeconfig().await;
        let options = ConnectOptions::default().kubeconfig(kubeconfig.clone());
        let client = connect(&options).await.unwrap();
        let sink = ApplySink::new(client.clone());
        let namespace = format!("{story}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let cluster = Self { client, sink, kubeconfig, namespace };
        cluster.namespace_with(&cluster.namespace, "").await;
        cluster
    }

    /// The kubeconfig's text.
    pub(crate) fn kubeconfig(&self) -> String {
        std::fs::read_to_string(&self.kubeconfig).unwrap()
    }

    /// The same cluster seen by a user without any right.
    pub(crate) async fn as_user(&self, user: &str) -> Client {
        let text = self.kubeconfig();
        // In JSON, or in YAML with inline users.
        let changed = text.replacen(r#""user":{"#, &format!(r#""user":{{"as":"{user}","#), 1).replacen(
            "user: {",
            &format!("user: {{as: {user}, "),
            1,
        );
        assert_ne!(changed, text, "this test knows kubeconfigs with inline users");
        let file = std::env::temp_dir().join(format!("{}-{user}.kubeconfig", self.namespace));
        std::fs::write(&file, changed).unwrap();
        let client = connect(&ConnectOptions::default().kubeconfig(file.clone())).await.unwrap();
        std::fs::remove_file(file).unwrap();
        client
    }

    pub(crate) async fn namespace_with(&self, name: &str, annotations: &str) {
        let kind = kind("", "v1", "Namespace", "namespaces", Scope::Cluster);
        let body = format!(
            r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{name}","annotations":{{{annotations}}}}}}}"#
        );
        self.put(&kind, "", name, &body).await;
    }

    pub(crate) async fn config_map(&self, name: &str, metadata: &str, data: &str) -> Live {
        let namespace = &self.namespace;
        let body = format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"{namespace}"{metadata}}},"data":{{"a":"{data}"}}}}"#
        );
        self.put(&config_maps(), namespace, name, &body).await
    }

    /// Creates the object, or brings it to this state.
    pub(crate) async fn put(&self, kind: &Kind, namespace: &str, name: &str, body: &str) -> Live {
        use bastion_core::sink::{UpdateMode::Replace, Updated};
        let id = ObjectId::new(&kind.group_kind(), namespace, name);
        let body: bytes::Bytes = body.to_owned().into();
        let mut seen = match Sink::create(&self.sink, kind, &id, body.clone()).await.unwrap() {
            Created::Created(live) => return live,
            Created::Exists(live) => live,
        };
        loop {
            match self.sink.update(kind, &id, body.clone(), &seen, Replace).await.unwrap() {
                Updated::Updated(live) => return live,
                Updated::Changed => seen = self.sink.get(kind, &id).await.unwrap().expect("it exists"),
            }
        }
    }

    pub(crate) async fn delete(&self, kind: &Kind, namespace: &str, name: &str) {
        let id = ObjectId::new(&kind.group_kind(), namespace, name);
        let seen = self.sink.get(kind, &id).await.unwrap().expect("it exists");
        self.sink.remove(kind, &id, &seen).await.unwrap();
    }

    pub(crate) fn selection(&self) -> Selection {
        Selection::all().namespace(&self.namespace)
    }
}

pub(crate) fn kind(group: &str, version: &str, kind: &str, plural: &str, scope: Scope) -> Kind {
    Kind { group: group.into(), version: version.into(), kind: kind.into(), plural: plural.into(), scope }
}

pub(crate) fn config_maps() -> Kind {
    kind("", "v1", "ConfigMap", "configmaps", Scope::Namespaced)
}

pub(crate) fn config_map_id(namespace: &str, name: &str) -> ObjectId {
    ObjectId::new(&GroupKind::new("", "ConfigMap"), namespace, name)
}

/// An observation in short: `begin`, `object a`, `unselected a`, `gone a Watched`, `complete`.
pub(crate) fn short(item: &Result<Observation, SourceError>) -> String {
    let mut text = String::new();
    match item {
        Ok(Observation::Begin(_)) => text.push_str("begin"),
        Ok(Observation::Object(o)) => write!(text, "object {}", o.id.name).unwrap(),
        Ok(Observation::Exists { id, .. }) => write!(text, "unread {}", id.name).unwrap(),
        Ok(Observation::Unselected { id, .. }) => write!(text, "unselected {}", id.name).unwrap(),
        Ok(Observation::Complete { .. }) => text.push_str("complete"),
        Ok(Observation::Gone { id, proof, .. }) => write!(text, "gone {} {proof:?}", id.name).unwrap(),
        Ok(Observation::Mark(_)) => text.push_str("mark"),
        Ok(Observation::Expired) => text.push_str("expired"),
        Ok(Observation::Rewound { .. }) => text.push_str("rewound"),
        Ok(other) => write!(text, "{other:?}").unwrap(),
        Err(error) => write!(text, "{}: {}", error.category.as_str(), error.what).unwrap(),
    }
    text
}

/// The next observation that is no bookmark and not about the certificate that every namespace gets.
pub(crate) async fn next(stream: &mut Observations) -> Result<Observation, SourceError> {
    loop {
        let item = tokio::time::timeout(PATIENCE, stream.next()).await.expect("an observation in time");
        let item = item.expect("the stream goes on");
        let text = short(&item);
        if text != "mark" && !text.contains("kube-root-ca.crt") {
            return item;
        }
    }
}

/// Reads until `last` comes; returns all in short.
pub(crate) async fn until(stream: &mut Observations, last: &str) -> Vec<String> {
    let mut seen = Vec::new();
    while seen.last().is_none_or(|s| s != last) {
        seen.push(short(&next(stream).await));
    }
    seen
}
