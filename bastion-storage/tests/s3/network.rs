use std::time::{Duration, Instant};

use bastion_core::store::{Prefix, PutOptions, RetryPolicy, Store, StoreError};
use bastion_storage::{S3Store, StoreOptions};
use bytes::Bytes;
use futures::TryStreamExt;

use crate::{
    key,
    minio::{Minio, credentials},
    proxy::{Mode, Proxy},
};

#[tokio::test]
async fn a_create_without_an_answer_is_an_unknown_outcome_and_sent_once() {
    let minio = Minio::start().await;
    let behind = minio.store("cut").await;
    let proxy = Proxy::start(minio.port).await;
    let options = minio.options("cut").endpoint(proxy.endpoint());
    let quick = options.timeouts(Duration::from_secs(2), Duration::from_secs(2));
    let store = S3Store::open(&quick).await.unwrap();
    let body = Bytes::from(vec![7; 300_000]);

    let cases = [("lost-answer", Mode::LoseAnswer, true), ("lost-request", Mode::LoseRequest, false)];
    for (name, mode, there) in cases.into_iter().chain([("silence", Mode::Silence, true)]) {
        proxy.fail(mode, usize::MAX);
        let started = Instant::now();
        let error = store.put(&key(name), body.clone(), &PutOptions::create()).await.unwrap_err();
        assert!(matches!(error, StoreError::OutcomeUnknown { .. }), "{name}: {error:?}");
        assert!(started.elapsed() < Duration::from_secs(10), "{name} took {:?}", started.elapsed());
        assert_eq!(proxy.requests("PUT").len(), 1, "{name}");
        assert_eq!(behind.get(&key(name), None).await.ok(), there.then(|| body.clone()), "{name}");
    }
    // Then the log sends the same again, and hears that it is there.
    proxy.fail(Mode::Pass, 0);
    let again = store.put(&key("lost-answer"), body, &PutOptions::create()).await.unwrap_err();
    assert!(matches!(again, StoreError::AlreadyExists { .. }), "{again:?}");
}

#[tokio::test]
async fn what_may_be_repeated_is_repeated() {
    let minio = Minio::start().await;
    minio.store("cut").await;
    let proxy = Proxy::start(minio.port).await;
    let url = format!("s3://cut/prefix?endpoint={}", proxy.endpoint());
    let soon = RetryPolicy::default().first_pause(Duration::from_millis(10));
    let options = StoreOptions::default().credentials(credentials()).retry(soon);
    let store = bastion_storage::open(&url, &options).await.unwrap();
    let (key, body) = (key("file"), Bytes::from(vec![7; 300_000]));

    for mode in [Mode::LoseAnswer, Mode::LoseRequest, Mode::CutAnswer] {
        proxy.fail(mode, 2);
        store.put(&key, body.clone(), &PutOptions::overwrite()).await.unwrap();
        proxy.fail(mode, 2);
        assert_eq!(store.get(&key, None).await.unwrap(), body, "{mode:?}");
        assert_eq!(proxy.requests("GET").len(), 3, "{mode:?}");
        proxy.fail(mode, 2);
        assert_eq!(store.head(&key).await.unwrap().size, 300_000);
        proxy.fail(mode, 2);
        let first = store.list(&Prefix::root(), None).try_next().await.unwrap();
        assert_eq!(first.unwrap().size, 300_000, "{mode:?}");
    }
    proxy.fail(Mode::LoseAnswer, 2);
    store.delete(&key).await.unwrap();
    assert_eq!(proxy.requests("DELETE").len(), 3);
}

#[tokio::test]
async fn a_create_on_the_wire() {
    let minio = Minio::start().await;
    minio.store("wire").await;
    let proxy = Proxy::start(minio.port).await;
    let store = S3Store::open(&minio.options("wire").endpoint(proxy.endpoint())).await.unwrap();
    proxy.fail(Mode::Pass, 0);
    store.put(&key("a/b"), Bytes::from_static(b"body"), &PutOptions::create()).await.unwrap();
    store.put(&key("a/b"), Bytes::from_static(b"body"), &PutOptions::overwrite()).await.unwrap();
    let puts = proxy.requests("PUT");
    let has = |put: &str, header: &str| put.lines().any(|line| line.to_lowercase().starts_with(header));
    let [create, overwrite] = &puts[..] else { panic!("{puts:?}") };
    assert!(create.starts_with("PUT /wire/a/b"), "{create}");
    assert!(has(create, "if-none-match: *") && !has(overwrite, "if-none-match"), "{puts:?}");
    for put in &puts {
        // A checksum in a header: older servers stumble over trailers.
        assert!(has(put, "x-amz-checksum-crc32: ") && has(put, "content-length: 4"), "{put}");
        assert!(!has(put, "x-amz-trailer") && !has(put, "content-encoding"), "{put}");
    }
}
