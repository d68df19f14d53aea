//! What a backup costs that writes every object into a file of its own, each time.

use std::time::Instant;

use bastion_core::store::{Key, PutOptions};
use bastion_tests::Context as _;
use bytes::Bytes;

use crate::{Result, cluster, cluster::Stage};

/// How many files are written at the same time.
const WRITERS: usize = 16;

/// What it took.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) seconds: f64,
    pub(super) requests: usize,
    pub(super) sent: usize,
}

/// Lists everything and writes it, page by page; straight to the server, so that no proxy slows it down.
pub(super) async fn write(stage: &Stage) -> Result<Written> {
    let store = stage.store("per-object").await?;
    let (started, mut requests, mut sent) = (Instant::now(), 0, 0);
    for kind in cluster::kinds() {
        let mut next = String::new();
        loop {
            let path = format!("{}?limit=500&continue={next}", kind.path(None));
            let page = stage.api.get(&path).await.context("list")?;
            let mut files = Vec::new();
            for object in page["items"].as_array().into_iter().flatten() {
                let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
                let key = Key::from_segments([kind.plural.as_str(), text("namespace"), text("name")]);
                files.push((key, Bytes::from(serde_json::to_vec(object)?)));
            }
            requests += files.len();
            sent += files.iter().map(|(_, body)| body.len()).sum::<usize>();
            let writes = files.into_iter().map(|(key, body)| {
                let store = &store;
                async move { Ok(store.put(&key, body, &PutOptions::overwrite()).await.map(drop)?) }
            });
            cluster::each(writes, WRITERS).await?;
            page["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut next);
            if next.is_empty() {
                break;
            }
        }
    }
    if requests as u64 != stage.objects.objects() {
        return Err(format!("{requests} objects were written").into());
    }
    Ok(Written { seconds: started.elapsed().as_secs_f64(), requests, sent })
}
