use std::sync::Arc;

use bastion_core::store::{Key, Meta, StoreError, StoreResult};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::{
    bucket::{Bucket, modified},
    error::Doing,
};

/// Where a list stands.
struct Pages {
    bucket: Arc<Bucket>,
    prefix: String,
    /// The last key seen, also of objects that are not ours.
    last: Option<String>,
    token: Option<String>,
    done: bool,
}

/// Lists page by page (1,000 objects), the next one when it is asked for.
pub(super) fn list(
    bucket: Arc<Bucket>,
    prefix: String,
    after: Option<String>,
) -> BoxStream<'static, StoreResult<Meta>> {
    let pages = Pages { bucket, prefix, last: after, token: None, done: false };
    stream::try_unfold(pages, |mut pages| async move {
        if pages.done {
            return Ok(None);
        }
        let entries = pages.next().await?;
        Ok(Some((stream::iter(entries.into_iter().map(Ok)), pages)))
    })
    .try_flatten()
    .boxed()
}

impl Pages {
    async fn next(&mut self) -> StoreResult<Vec<Meta>> {
        let Bucket { client, place, .. } = &*self.bucket;
        let request = client.list_objects_v2().bucket(&place.bucket).prefix(&self.prefix);
        let request = match self.token.take() {
            Some(token) => request.continuation_token(token),
            None => request.set_start_after(self.last.clone()),
        };
        let page = request.send().await.map_err(|e| place.failed(Doing::Listing, &self.prefix, e))?;
        let mut entries = Vec::new();
        for object in page.contents.unwrap_or_default() {
            let Some(name) = object.key else { continue };
            // The log rests on the order of a list: better none than a wrong one.
            if self.last.as_ref().is_some_and(|last| *last >= name) {
                let place = place.to_string();
                return Err(StoreError::Unsupported(format!(
                    "{place} lists {name} after {:?}: lists must be in byte order of the keys (those of S3 directory buckets are not)",
                    self.last.as_deref().unwrap_or_default(),
                )));
            }
            // What is not a key of ours is somebody else's.
            let size = object.size.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
            let meta = |key| Meta::new(key, size).modified(modified(object.last_modified.as_ref()));
            entries.extend(Key::parse(&name).map(meta));
            self.last = Some(name);
        }
        self.token = page.next_continuation_token;
        self.done = !page.is_truncated.unwrap_or(false);
        if !self.done && self.token.is_none() {
            let source = "the server reported more results but sent no continuation token".into();
            return Err(StoreError::Other { what: format!("listing {}", self.prefix), source });
        }
        Ok(entries)
    }
}
