use std::{fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use aws_sdk_s3::{
    error::SdkError,
    operation::get_object::GetObjectOutput,
    primitives::{ByteStream, DateTime},
    types::{ChecksumAlgorithm, ObjectLockMode},
};
use bastion_core::store::{
    Key, MAX_FILE, Meta, Prefix, PutMode, PutOptions, Store, StoreError, StoreResult, check_size,
};
use bytes::Bytes;
use futures::stream::BoxStream;

use super::{
    bucket::{Bucket, modified},
    config::S3Options,
    error::Doing,
    list,
};

/// A store in a bucket.
///
/// - A create is a PUT with `If-None-Match: *`, so of racing ones exactly one wins; the server must support
///   that (AWS since 2024, `MinIO`, Ceph).
/// - Nothing is sent twice: the SDK's retries are off, because after a lost answer a second create would be
///   refused by one's own success. [`RetryStore`](bastion_core::store::RetryStore) repeats what may be.
/// - `retain_until` locks in COMPLIANCE mode: before that moment nobody can delete the file.
/// - Whoever may not list a bucket gets "denied" for what does not exist: `s3:ListBucket` is needed.
#[derive(Clone)]
pub struct S3Store(Arc<Bucket>);

impl fmt::Debug for S3Store {
    /// Only where it is: the client's own `Debug` shows the access key, on many pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3Store({})", self.0.place)
    }
}

impl S3Store {
    /// Prepares a client; sends nothing yet.
    pub async fn open(options: &S3Options) -> StoreResult<Self> {
        let (client, place) = options.client().await?;
        Ok(Self(Arc::new(Bucket { client, place, timeout: options.request_timeout })))
    }

    /// The object's length and body. `range` must not be empty.
    async fn read(&self, key: &Key, range: Option<&Range<u64>>) -> StoreResult<(u64, Bytes)> {
        let Bucket { client, place, timeout } = &*self.0;
        let header = range.map(|r| format!("bytes={}-{}", r.start, r.end - 1));
        let request = client.get_object().bucket(&place.bucket).key(key.as_str()).set_range(header);
        let whole = async {
            let output = request.send().await.map_err(|e| place.failed(Doing::Reading, key, e))?;
            body(key, range, output).await
        };
        match tokio::time::timeout(*timeout, whole).await {
            Ok(result) => result,
            Err(elapsed) => Err(StoreError::Unavailable { key: key.to_string(), source: Box::new(elapsed) }),
        }
    }
}

/// Reads the body, no more of it than a file may have.
async fn body(key: &Key, range: Option<&Range<u64>>, output: GetObjectOutput) -> StoreResult<(u64, Bytes)> {
    let length = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok());
    let sent = length(output.content_length).unwrap_or(0);
    // `bytes 0-9/1000`; without it a server that knows no ranges sent everything.
    let total = output.content_range.as_deref().and_then(|text| text.rsplit('/').next()?.parse().ok());
    if sent > MAX_FILE as u64 {
        let why = format!("it has {sent} bytes, more than any repository file");
        return Err(StoreError::Corrupt { key: key.to_string(), why });
    }
    let got = output.body.collect().await;
    let got = got.map_err(|e| StoreError::Unavailable { key: key.to_string(), source: Box::new(e) })?.into_bytes();
    match (range, total) {
        (Some(range), None) => {
            let part = bastion_core::store::check_range(key, got.len() as u64, range)?;
            let at = |n: u64| usize::try_from(n).unwrap_or(got.len());
            Ok((got.len() as u64, got.slice(at(part.start)..at(part.end))))
        }
        (_, total) => Ok((total.unwrap_or(got.len() as u64), got)),
    }
}

#[async_trait]
impl Store for S3Store {
    async fn put(&self, key: &Key, body: Bytes, options: &PutOptions) -> StoreResult<Meta> {
        check_size(key, body.len())?;
        let Bucket { client, place, .. } = &*self.0;
        let size = body.len() as u64;
        let mut request = client
            .put_object()
            .bucket(&place.bucket)
            .key(key.as_str())
            .content_type("application/octet-stream")
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .body(ByteStream::from(body));
        if options.mode == PutMode::Create {
            request = request.if_none_match("*");
        }
        if let Some(until) = options.retain_until {
            request = request
                .object_lock_mode(ObjectLockMode::Compliance)
                .object_lock_retain_until_date(DateTime::from_millis(until.as_millis()));
        }
        let doing = if options.mode == PutMode::Create { Doing::Creating } else { Doing::Overwriting };
        request.send().await.map_err(|e| place.failed(doing, key, e))?;
        Ok(Meta::new(key.clone(), size))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Bytes> {
        // HTTP cannot say an empty range: ask for a byte, to hear whether there could be one. No more than a
        // file may have, for some servers read the end as a signed number.
        let reach = |r: &Range<u64>, n: usize| r.start.saturating_add(n as u64);
        let asked = range.as_ref().map(|r| r.start..r.end.clamp(reach(r, 1), reach(r, MAX_FILE)));
        match self.read(key, asked.as_ref()).await {
            Ok((_, body)) => Ok(if range.is_some_and(|r| r.is_empty()) { Bytes::new() } else { body }),
            // The server's 416 does not say how long the file is.
            Err(StoreError::InvalidRange { key: name, start, .. }) => {
                let size = self.head(key).await?.size;
                Err(StoreError::InvalidRange { key: name, size, start: asked.map_or(start, |r| r.start) })
            }
            Err(error) => Err(error),
        }
    }

    async fn head(&self, key: &Key) -> StoreResult<Meta> {
        let Bucket { client, place, .. } = &*self.0;
        match client.head_object().bucket(&place.bucket).key(key.as_str()).send().await {
            Ok(output) => {
                let size = output.content_length.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
                Ok(Meta::new(key.clone(), size).modified(modified(output.last_modified.as_ref())))
            }
            // A HEAD's answer has no body: it cannot tell a missing object from a missing bucket, or why
            // something is denied. A GET's can.
            Err(SdkError::ServiceError(e)) if e.raw().status().is_client_error() => {
                let (size, _) = self.read(key, None).await?;
                Ok(Meta::new(key.clone(), size))
            }
            Err(error) => Err(place.failed(Doing::Reading, key, error)),
        }
    }

    fn list(&self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'static, StoreResult<Meta>> {
        list::list(self.0.clone(), prefix.as_str().to_owned(), after.map(ToString::to_string))
    }

    async fn delete(&self, key: &Key) -> StoreResult<()> {
        let Bucket { client, place, .. } = &*self.0;
        let deleted = client.delete_object().bucket(&place.bucket).key(key.as_str()).send().await;
        match deleted.map_err(|e| place.failed(Doing::Deleting, key, e)) {
            Ok(_) => Ok(()),
            // Some servers say so.
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }
}
