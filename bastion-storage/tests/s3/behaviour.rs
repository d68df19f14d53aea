use std::{sync::Arc, time::Duration};

use aws_sdk_s3::{primitives::ByteStream, types::ObjectLockMode};
use bastion_core::{
    store::{Key, MAX_FILE, Prefix, PutOptions, Store, StoreError, conformance},
    time::Timestamp,
};
use bastion_storage::{S3Store, StoreOptions};
use bytes::Bytes;
use futures::TryStreamExt;

use crate::{
    key,
    minio::{Minio, credentials},
    proxy::{Mode, Proxy},
};

#[tokio::test(flavor = "multi_thread")]
async fn behaves_like_a_store() {
    let minio = Minio::start().await;
    conformance::check(Arc::new(minio.store("whole").await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_with_a_prefix_behaves_like_a_store() {
    let minio = Minio::start().await;
    let whole = minio.store("shared").await;
    for sibling in ["team", "team-a2/x", "team-a/prod2/x", "team-a/pro"] {
        whole.put(&key(sibling), Bytes::from_static(b"another's"), &PutOptions::create()).await.unwrap();
    }
    let url = format!("s3://shared/team-a/prod/?endpoint={}", minio.endpoint());
    let options = StoreOptions::default().credentials(credentials());
    conformance::check(bastion_storage::open(&url, &options).await.unwrap()).await;

    let read_only = bastion_storage::open(&url, &options.read_only(true)).await.unwrap();
    assert!(read_only.get(&key("create/once"), None).await.is_ok());
    let refused = read_only.delete(&key("create/once")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unsupported(_)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_clients_one_creates() {
    let minio = Minio::start().await;
    minio.store("race").await;
    for round in 0..10_u8 {
        let mut racers = tokio::task::JoinSet::new();
        let start = Arc::new(tokio::sync::Barrier::new(20));
        for racer in 0..20_u8 {
            let (options, start) = (minio.options("race"), start.clone());
            racers.spawn(async move {
                let store = S3Store::open(&options).await.unwrap();
                start.wait().await;
                let body = Bytes::from(vec![racer; 300_000]);
                (racer, store.put(&key(&format!("log/{round}")), body, &PutOptions::create()).await)
            });
        }
        let (won, lost): (Vec<_>, Vec<_>) = racers.join_all().await.into_iter().partition(|(_, r)| r.is_ok());
        assert!(lost.iter().all(|(_, r)| matches!(r, Err(StoreError::AlreadyExists { .. }))), "{lost:?}");
        let [(winner, _)] = won[..] else { panic!("{won:?}") };
        let store = S3Store::open(&minio.options("race")).await.unwrap();
        assert_eq!(store.get(&key(&format!("log/{round}")), None).await.unwrap(), vec![winner; 300_000]);
    }
}

#[tokio::test]
async fn what_is_retained_cannot_be_deleted() {
    let minio = Minio::start().await;
    let client = minio.client();
    client.create_bucket().bucket("locked").object_lock_enabled_for_bucket(true).send().await.unwrap();
    let store = S3Store::open(&minio.options("locked")).await.unwrap();
    let until = Timestamp::from_millis(4_000_000_000_000); // 2096
    let mut options = PutOptions::create();
    options.retain_until = Some(until);
    store.put(&key("kept"), Bytes::from_static(b"body"), &options).await.unwrap();

    let held = client.head_object().bucket("locked").key("kept").send().await.unwrap();
    assert_eq!(held.object_lock_mode, Some(ObjectLockMode::Compliance));
    assert_eq!(held.object_lock_retain_until_date.unwrap().to_millis().unwrap(), until.as_millis());
    // A delete without a version only hides it; the version itself stays.
    store.delete(&key("kept")).await.unwrap();
    assert!(store.get(&key("kept"), None).await.unwrap_err().is_not_found());
    let version = held.version_id.unwrap();
    let delete = client.delete_object().bucket("locked").key("kept").version_id(&version).send().await;
    assert!(delete.is_err(), "{delete:?}");
    let there = client.get_object().bucket("locked").key("kept").version_id(&version).send().await.unwrap();
    assert_eq!(there.body.collect().await.unwrap().into_bytes(), "body");

    // A bucket with a default retention wants a checksum with every PUT.
    store.put(&key("plain"), Bytes::from_static(b"body"), &PutOptions::create()).await.unwrap();
}

#[tokio::test]
async fn what_is_not_ours_is_passed_over_or_named() {
    let minio = Minio::start().await;
    let store = minio.store("mixed").await;
    for name in ["folder/", "white space", "ünïcode", "a/b"] {
        minio.client().put_object().bucket("mixed").key(name).body(ByteStream::from_static(b"x")).send().await.unwrap();
    }
    let names: Vec<Key> = store.list(&Prefix::root(), None).map_ok(|m| m.key).try_collect().await.unwrap();
    assert_eq!(names, [key("a/b")]);

    let huge = ByteStream::from(vec![0; MAX_FILE + 1]);
    minio.client().put_object().bucket("mixed").key("huge").body(huge).send().await.unwrap();
    let error = store.get(&key("huge"), None).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(store.get(&key("huge"), Some(5..10)).await.unwrap().len(), 5);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_of_the_server() {
    let mut minio = Minio::start().await;
    minio.store("kept").await;
    let proxy = Proxy::start(minio.port).await;
    let url = format!("s3://kept/x?endpoint={}", proxy.endpoint());
    let store = bastion_storage::open(&url, &StoreOptions::default().credentials(credentials())).await.unwrap();
    for n in 0..50 {
        store.put(&key(&format!("{n:02}")), vec![n; 10_000].into(), &PutOptions::create()).await.unwrap();
    }
    minio.kill();
    proxy.fail(Mode::Pass, 0);
    // Whoever reads meanwhile waits and is served when the server is back.
    let reader = tokio::spawn(async move {
        for n in 0..50 {
            assert_eq!(store.get(&key(&format!("{n:02}")), None).await.unwrap(), vec![n; 10_000]);
        }
    });
    let tried_again = async {
        while proxy.requests("GET").len() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), tried_again).await.expect("a read that failed is tried again");
    minio.restart().await;
    reader.await.unwrap();
}
