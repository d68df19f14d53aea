//! What the stories share: a small world with one kind of objects, and readers of what was stored.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use futures::stream::TryStreamExt;

use super::super::{Committed, InitOptions, ObjectFilter, OpenOptions, Repository, Writer, WriterOptions};
use crate::{
    error::Result,
    hash::{Hasher, Sha256},
    object::{GroupKind, ObjectId, ResourceVersion},
    record::{Change, Revision, RevisionState, What},
    runtime::{SharedRuntime, SimRuntime},
    source::Proof,
    store::Store,
};

pub(super) const CLUSTER: &str = "prod";
pub(super) const UID: &str = "5e0fb2a0-0000-4000-8000-000000000001";

pub(super) fn runtime(seed: u64) -> SharedRuntime {
    Arc::new(SimRuntime::new(seed))
}

pub(super) fn kind() -> GroupKind {
    GroupKind::new("", "ConfigMap")
}

pub(super) fn id(name: impl AsRef<str>) -> ObjectId {
    ObjectId::new(&kind(), "shop", name.as_ref())
}

pub(super) fn put(name: impl AsRef<str>, rv: u64, body: impl Into<Vec<u8>>) -> Change {
    let body = Bytes::from(body.into());
    change(name, rv, What::Put { digest: Sha256.digest(&body), body, extras: Box::default() })
}

pub(super) fn deleted(name: impl AsRef<str>, rv: u64) -> Change {
    change(name, rv, What::Deleted(Proof::Watched))
}

pub(super) fn change(name: impl AsRef<str>, rv: u64, what: What) -> Change {
    Change {
        id: id(name),
        version: "v1".into(),
        uid: "u".into(),
        resource_version: ResourceVersion::from(rv),
        policy: "all".into(),
        what,
    }
}

pub(super) async fn init(store: impl Store, runtime: &SharedRuntime) -> Repository {
    Repository::init(Arc::new(store), InitOptions::default().runtime(runtime.clone())).await.unwrap()
}

pub(super) async fn open(store: impl Store, runtime: &SharedRuntime) -> Result<Repository> {
    Repository::open(Arc::new(store), OpenOptions::default().write(true).runtime(runtime.clone())).await
}

pub(super) async fn writer(repository: &Repository, role: &str) -> Writer {
    repository.writer(CLUSTER, WriterOptions::new(UID, role)).await.unwrap()
}

pub(super) async fn commit(writer: &mut Writer, changes: impl IntoIterator<Item = Change>) -> Result<Committed> {
    let mut batch = writer.batch();
    for change in changes {
        batch.push(change).await?;
    }
    writer.commit(&mut batch, &super::super::CommitNotes::default()).await
}

/// Names and bodies of what exists, every body read.
pub(super) async fn bodies(repository: &Repository) -> BTreeMap<String, String> {
    let snapshot = repository.snapshot(CLUSTER).await.unwrap();
    let mut all = BTreeMap::new();
    let revisions: Vec<Revision> = snapshot.objects(ObjectFilter::default()).try_collect().await.unwrap();
    for revision in revisions {
        let body = snapshot.body(&revision).await.unwrap();
        all.insert(revision.id.name.to_string(), String::from_utf8_lossy(&body).into_owned());
    }
    all
}

/// An object's history as words, newest first: `7 put`, `5 deleted`.
pub(super) async fn history(repository: &Repository, name: &str) -> Vec<String> {
    let revisions = repository.snapshot(CLUSTER).await.unwrap().history(&id(name)).await.unwrap();
    let word = |s: RevisionState| format!("{s:?}").to_lowercase();
    revisions.iter().map(|v| format!("{} {}", v.order.resource_version, word(v.state))).collect()
}
