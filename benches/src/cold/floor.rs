//! The floor of a first backup: the fastest way to read everything, each object told from the next and dropped.

use std::{path::Path, time::Instant};

use bastion_tests::{Context as _, Resource, control_plane::client_of};
use bytes::BytesMut;
use futures::{AsyncBufReadExt as _, TryStreamExt as _};
use http::Request;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Result, cluster};

/// A way to read a kind whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// One list.
    List,
    /// Pages of 500.
    Pages,
    /// A watch that begins with everything there is.
    WatchList,
}

impl Way {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::List, Self::Pages, Self::WatchList];

    /// Its name in measures.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Pages => "pages",
            Self::WatchList => "watch-list",
        }
    }
}

/// Reads all kinds at the same time, as Bastion does, over one new connection. Gives the seconds and how many
/// objects there were.
pub(super) async fn read(kubeconfig: &Path, way: Way) -> Result<(f64, usize)> {
    let started = Instant::now();
    let client = client_of(kubeconfig).await?;
    let reads = cluster::kinds().map(|kind| {
        let client = client.clone();
        tokio::spawn(async move {
            match way {
                Way::List => list(&client, &kind, "").await,
                Way::Pages => list(&client, &kind, "limit=500").await,
                Way::WatchList => watch(&client, &kind).await,
            }
        })
    });
    let mut objects = 0;
    for read in reads.collect::<Vec<_>>() {
        objects += read.await??;
    }
    Ok((started.elapsed().as_secs_f64(), objects))
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
    metadata: ListMeta,
}

#[derive(Deserialize)]
struct ListMeta {
    #[serde(default, rename = "continue")]
    next: String,
}

async fn list(client: &kube::Client, kind: &Resource, query: &str) -> Result<usize> {
    let (mut next, mut objects) = (String::new(), 0);
    loop {
        let path = format!("{}?{query}&continue={next}", kind.path(None));
        let mut reader = stream(client, &path).await?;
        let mut body = BytesMut::new();
        loop {
            let piece = reader.fill_buf().await?;
            let length = piece.len();
            if length == 0 {
                break;
            }
            body.extend_from_slice(piece);
            reader.consume_unpin(length);
        }
        let page: List = serde_json::from_slice(&body)?;
        objects += page.items.len();
        if page.metadata.next.is_empty() {
            return Ok(objects);
        }
        next = page.metadata.next;
    }
}

async fn watch(client: &kube::Client, kind: &Resource) -> Result<usize> {
    let query = "watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    let reader = stream(client, &format!("{}?{query}", kind.path(None))).await?;
    let mut lines = std::pin::pin!(reader.lines());
    let mut objects = 0;
    while let Some(line) = lines.try_next().await? {
        // The bookmark that ends the list; no object has such an annotation.
        if line.contains("k8s.io/initial-events-end") {
            return Ok(objects);
        }
        objects += 1;
    }
    Err("the watch ended before it had shown everything".into())
}

async fn stream(client: &kube::Client, path: &str) -> Result<impl futures::AsyncBufRead + Unpin + use<>> {
    let request = Request::get(path).header("user-agent", "floor").body(Vec::new())?;
    Ok(Box::pin(client.request_stream(request).await.context("read")?))
}
