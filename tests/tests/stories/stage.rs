//! What most stories start with: a cluster, an S3 server with a proxy before it, and `bastion`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bastion_core::{
    object::ObjectId,
    record::{Revision, RevisionState},
    repository::{ObjectFilter, OpenOptions, Repository},
};
use bastion_tests::{
    Api, Bastion, Context as _, ControlPlane, Error, Minio, Process, Resource, Result, S3Proxy, crds,
    expect::{Expected, note},
    load::{self, Writer},
    minio::{ACCESS_KEY, SECRET_KEY, repo_url},
    s3::Bucket,
    wait,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

/// How long a change may take to be saved, on a machine that does much else.
pub(crate) const SOON: Duration = Duration::from_mins(2);

/// The selection of most stories: one kind, so that nothing else is counted.
pub(crate) const WIDGETS: [&str; 2] = ["--kinds", "widgets.tests.bastion.dev"];

/// A cluster with the tests' own CRDs and namespaces `one` and `two`, an S3 server with a bucket, a proxy
/// before it, and `bastion` through the proxy.
pub(crate) struct Stage {
    pub(crate) cluster: ControlPlane,
    pub(crate) api: Api,
    pub(crate) minio: Minio,
    pub(crate) bucket: Bucket,
    pub(crate) proxy: S3Proxy,
    pub(crate) bastion: Bastion,
    pub(crate) prefix: String,
}

impl Stage {
    /// Starts all of it, and makes an empty repository.
    pub(crate) async fn new(name: &str) -> Result<Self> {
        let (cluster, minio) = tokio::join!(ControlPlane::start(name), Minio::start());
        let (cluster, minio) = (cluster?, minio?);
        let api = cluster.api().await?;
        crds::install_own(&api).await?;
        for namespace in ["one", "two"] {
            cluster.namespace(namespace).await?;
        }
        let bucket = minio.bucket("backups").await?;
        let proxy = S3Proxy::start(minio.port()).await?;
        let prefix = "repo".to_owned();
        let bastion = Bastion::new(&repo_url("backups", &prefix, proxy.port()), &cluster.kubeconfig()?).await?;
        let stage = Self { cluster, api, minio, bucket, proxy, bastion, prefix };
        stage.bastion.ok(&["init"]).await?;
        Ok(stage)
    }

    /// Another empty repository in the same bucket.
    pub(crate) async fn fresh_repository(&mut self, prefix: &str) -> Result<()> {
        prefix.clone_into(&mut self.prefix);
        let url = repo_url("backups", prefix, self.proxy.port());
        self.bastion = Bastion::new(&url, &self.cluster.kubeconfig()?).await?;
        self.bastion.ok(&["init"]).await.map(drop)
    }

    /// Starts `bastion watch` of the widgets.
    pub(crate) fn watch_widgets(&self) -> Result<Process> {
        self.bastion.start(&[&["watch"], WIDGETS.as_slice()].concat())
    }

    /// Creates widgets `<prefix>-0000` and so on, in both namespaces by turns.
    pub(crate) async fn widgets(&self, prefix: &str, count: usize) -> Result<Expected> {
        let mut writer = Writer::new(count as u64);
        self.create(&crds::widget(), writer.objects(&crds::widget(), &["one", "two"], prefix, count)).await
    }

    /// Creates objects of a kind.
    pub(crate) async fn create(&self, kind: &Resource, objects: Vec<Value>) -> Result<Expected> {
        let api = &self.api;
        let made = stream::iter(objects).map(|object| async move {
            let path = kind.path(object["metadata"]["namespace"].as_str());
            api.create(&path, &object).await.map(|answer| note(kind, &answer)).context("create")
        });
        made.buffer_unordered(16).try_collect().await
    }

    /// Changes the content of a widget that [`Self::widgets`] made.
    pub(crate) async fn change(&self, prefix: &str, number: usize, word: &str) -> Result<Expected> {
        let answer =
            self.api.merge(&widget_path(prefix, number), &load::content_patch(word)).await.context("change")?;
        Ok(Expected::from([note(&crds::widget(), &answer)]))
    }

    /// Deletes a widget that [`Self::widgets`] made.
    pub(crate) async fn delete(&self, prefix: &str, number: usize) -> Result<Expected> {
        let path = widget_path(prefix, number);
        let object = self.api.get(&path).await.context("delete")?;
        self.api.delete(&path).await.context("delete")?;
        Ok(Expected::from([(note(&crds::widget(), &object).0, None)]))
    }

    /// Writes a heartbeat into the status of a widget.
    pub(crate) async fn beat(&self, prefix: &str, number: usize, beat: u64) -> Result<()> {
        let path = format!("{}/status", widget_path(prefix, number));
        self.api.merge(&path, &load::status_patch(beat)).await.context("heartbeat").map(drop)
    }

    /// The repository, read by the library without the proxy.
    pub(crate) async fn repository(&self) -> Result<Repository> {
        let url = repo_url("backups", &self.prefix, self.minio.port());
        let key = bastion_storage::S3Credentials::new(ACCESS_KEY, SECRET_KEY, None);
        let store = bastion_storage::open(&url, &bastion_storage::StoreOptions::default().credentials(key)).await;
        Repository::open(store.context("store")?, OpenOptions::default()).await.context("repository")
    }

    /// Every revision of every object, each object's in the order of the repository. Empty where there is
    /// no log yet.
    pub(crate) async fn revisions(&self) -> Result<BTreeMap<ObjectId, Vec<Revision>>> {
        let repository = self.repository().await?;
        if !repository.clusters().await.context("clusters")?.iter().any(|c| c.name == self.cluster.name()) {
            return Ok(BTreeMap::new());
        }
        let snapshot = repository.snapshot(self.cluster.name()).await.context("snapshot")?;
        let all: Vec<Vec<Revision>> =
            snapshot.histories(ObjectFilter::all().any_state()).try_collect().await.context("histories")?;
        Ok(all.into_iter().filter_map(|h| Some((h.first()?.id.clone(), h))).collect())
    }

    /// Waits until every expected state is the newest one in the repository; the watcher must live.
    pub(crate) async fn saved(&self, watcher: &mut Process, expected: &Expected) -> Result<()> {
        let what = format!("{} states to be saved", expected.len());
        let done = wait::until(&what, SOON, async || {
            if let Err(e) = watcher.check() {
                return Ok(Some(Err(e)));
            }
            let missing = self.missing(expected).await?;
            match missing.first() {
                None => Ok(Some(Ok(()))),
                Some(first) => Err(Error::new(format!("{} are not, for example {first}", missing.len()))),
            }
        });
        match done.await {
            Ok(done) => done,
            Err(e) => Err(Error::with(format!("the watcher's log ends:\n{}", watcher.log_tail(30)), e)),
        }
    }

    /// Which of the expected states are not the newest ones in the repository.
    pub(crate) async fn missing(&self, expected: &Expected) -> Result<Vec<String>> {
        let revisions = self.revisions().await?;
        let newest: BTreeMap<_, _> = revisions
            .iter()
            .filter_map(|(id, history)| {
                let newest = history.iter().max_by(|a, b| a.order.compare(&b.order).then(a.number.cmp(&b.number)))?;
                let text = |part: &Arc<str>| part.to_string();
                Some(((text(&id.group), text(&id.kind), text(&id.namespace), text(&id.name)), newest))
            })
            .collect();
        let wrong = expected.iter().filter_map(|(id, wanted)| match (newest.get(id), wanted) {
            (Some(v), Some(version))
                if v.state == RevisionState::Put && v.order.resource_version.to_string() == *version =>
            {
                None
            }
            (Some(v), None) if v.state == RevisionState::Deleted => None,
            (Some(v), _) => Some(format!("{id:?}: {:?} at {}, not {wanted:?}", v.state, v.order.resource_version)),
            (None, _) => Some(format!("{id:?}: never saved")),
        });
        Ok(wrong.collect())
    }

    /// Fails where one state of an object was written twice, or the repository is damaged.
    pub(crate) async fn sound(&self) -> Result<()> {
        for (id, history) in self.revisions().await? {
            for (n, a) in history.iter().enumerate() {
                let twin = history[..n].iter().find(|b| a.order == b.order && a.state == b.state);
                assert!(twin.is_none(), "{id} at {:?} was written twice: {a:?} and {twin:?}", a.order);
            }
        }
        self.bastion.ok(&["verify"]).await.map(drop)
    }
}

/// Number of revisions of all objects together.
pub(crate) fn count(revisions: &BTreeMap<ObjectId, Vec<Revision>>) -> usize {
    revisions.values().map(Vec::len).sum()
}

/// Path of a widget that [`Stage::widgets`] made.
pub(crate) fn widget_path(prefix: &str, number: usize) -> String {
    let namespace = ["one", "two"][number % 2];
    crds::widget().object(Some(namespace), &format!("{prefix}-{number:04}"))
}

/// A merge patch that gives or takes the annotation that selects an object.
pub(crate) fn annotated(value: Option<&str>) -> Value {
    json!({"metadata": {"annotations": {"backup/enabled": value}}})
}
