//! A bare watcher: it watches one kind, and stores every event as it comes. Nothing can be durable earlier.

use std::{env, path::Path, sync::Arc};

use bastion_core::store::{Key, PutOptions, Store};
use bastion_storage::StoreOptions;
use bastion_tests::{
    Process, Program, Resource,
    control_plane::client_of,
    minio::{credentials, repo_url},
};
use bytes::Bytes;
use futures::{AsyncBufReadExt as _, StreamExt as _};
use http::Request;
use serde::Deserialize;

use crate::{
    Result,
    cluster::{self, Stage},
};

/// How many objects are stored at the same time.
const UPLOADS: usize = 16;

/// The kind whose latency is measured.
fn calm_kind() -> Option<Resource> {
    cluster::kinds().nth(1)
}

/// Starts one in a process of its own, as Bastion has one; it writes by way of that port.
pub(super) fn start(stage: &Stage, port: u16) -> Result<Process> {
    let kubeconfig = stage.kubeconfig()?.display().to_string();
    let mut program = Program::new("bare-watcher", env::current_exe()?, stage.folder.path());
    program = program.args(["bare-watcher".to_owned(), kubeconfig, repo_url("bench", "bare", port)]);
    program.env.extend(credentials());
    Ok(program.start()?)
}

/// Watches the kind that is not flooded, until it is killed.
pub fn run(kubeconfig: &Path, url: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(watch(kubeconfig, url))
}

#[derive(Deserialize)]
struct Event {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    resource_version: String,
}

async fn watch(kubeconfig: &Path, url: &str) -> Result<()> {
    let store = bastion_storage::open(url, &StoreOptions::default()).await?;
    let client = client_of(kubeconfig).await?;
    let kind = calm_kind().ok_or("no kind")?;
    let from = version(&client, &kind).await?;
    let query = format!("{}?watch=true&resourceVersion={from}", kind.path(None));
    let events = Box::pin(client.request_stream(Request::get(query).body(Vec::new())?).await?).lines();
    let stored = events.map(|line| store_line(&store, line)).buffer_unordered(UPLOADS);
    let mut stored = std::pin::pin!(stored);
    while let Some(done) = stored.next().await {
        done?;
    }
    Err("the watch ended".into())
}

async fn version(client: &kube::Client, kind: &Resource) -> Result<String> {
    let path = format!("{}?limit=1", kind.path(None));
    let list: Object = client.request(Request::get(path).body(Vec::new())?).await?;
    Ok(list.metadata.resource_version)
}

/// Named as segments are, so that the proxy's book is kept in the same way.
async fn store_line(store: &Arc<dyn Store>, line: std::io::Result<String>) -> Result<()> {
    let line = line?;
    let event: Event = serde_json::from_str(&line)?;
    let key = Key::from_segments([format!("{}.seg", event.object.metadata.resource_version)]);
    let (line, overwrite) = (Bytes::from(line), PutOptions::overwrite());
    if store.put(&key, line.clone(), &overwrite).await.is_err() {
        // Once more: the connection may have been closed, for it was idle.
        store.put(&key, line, &overwrite).await?;
    }
    Ok(())
}
