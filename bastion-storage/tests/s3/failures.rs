use std::process::Command;

use bastion_core::store::{Prefix, PutOptions, Store, StoreError, StoreResult};
use bastion_storage::{S3Credentials, S3Options, S3Store};
use bytes::Bytes;
use futures::TryStreamExt;

use crate::{
    chain, key,
    minio::{ACCESS_KEY, Minio, SECRET_KEY, credentials},
};

/// Every operation's error.
async fn errors(store: &S3Store) -> Vec<StoreError> {
    let key = key("some/file");
    let create = store.put(&key, Bytes::from_static(b"body"), &PutOptions::create()).await.map(drop);
    let overwrite = store.put(&key, Bytes::from_static(b"body"), &PutOptions::overwrite()).await.map(drop);
    let get = store.get(&key, None).await.map(drop);
    let range = store.get(&key, Some(0..5)).await.map(drop);
    let head = store.head(&key).await.map(drop);
    let list: StoreResult<Vec<_>> = store.list(&Prefix::root(), None).try_collect().await;
    let delete = store.delete(&key).await;
    let all = [create, overwrite, get, range, head, list.map(drop), delete];
    all.into_iter().map(Result::unwrap_err).collect()
}

#[tokio::test]
async fn a_missing_bucket_is_named() {
    let minio = Minio::start().await;
    let store = S3Store::open(&minio.options("nowhere")).await.unwrap();
    for error in errors(&store).await {
        assert!(matches!(error, StoreError::NoSuchPlace { .. }), "{error:?}");
        assert!(error.to_string().contains("bucket nowhere at http://127.0.0.1"), "{error}");
    }
}

#[tokio::test]
async fn wrong_credentials_are_said_to_be_wrong_and_not_shown() {
    let minio = Minio::start().await;
    minio.store("there").await;
    let wrong = [
        (ACCESS_KEY, "wrong-secret-key", "SignatureDoesNotMatch"),
        ("unknown-access-key", SECRET_KEY, "InvalidAccessKeyId"),
    ];
    for (access, secret, code) in wrong {
        let options = minio.options("there").credentials(S3Credentials::new(access, secret, None));
        assert!(!format!("{options:?}").contains(secret));
        let store = S3Store::open(&options).await.unwrap();
        for error in errors(&store).await {
            assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
            let text = chain(&error);
            assert!(text.contains(code) && !error.is_retryable(), "{text}");
            let shown = format!("{text} {error:?} {store:?}");
            assert!(!shown.contains(secret) && !shown.contains(access), "{shown}");
        }
    }
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for endpoint in [format!("http://{free}"), format!("https://{free}"), "http://no-such-host.invalid".into()] {
        let options = S3Options::new("bucket").endpoint(&endpoint).credentials(credentials());
        let store = S3Store::open(&options).await.unwrap();
        for error in errors(&store).await {
            // Also a create: it was never sent, so its outcome is known.
            assert!(matches!(error, StoreError::Unavailable { .. }), "{endpoint}: {error:?}");
        }
    }
}

#[tokio::test]
#[ignore = "the next one starts it, with an empty environment"]
async fn child_without_credentials() {
    let endpoint = std::env::var("BASTION_TEST_ENDPOINT").unwrap();
    let store = S3Store::open(&S3Options::new("bucket").endpoint(endpoint)).await.unwrap();
    for error in errors(&store).await {
        assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
        assert!(chain(&error).contains("credential"), "{}", chain(&error));
    }
    eprintln!("child done");
}

#[tokio::test]
async fn no_credentials_at_all_are_missed_before_anything_is_sent() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "failures::child_without_credentials", "--ignored", "--nocapture"])
        .env_clear()
        .envs([("AWS_EC2_METADATA_DISABLED", "true"), ("HOME", "/nonexistent")])
        .env("BASTION_TEST_ENDPOINT", "http://127.0.0.1:1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("child done"), "{said}");
}

#[tokio::test]
async fn a_certificate_of_an_own_authority() {
    let name = vec!["127.0.0.1".to_owned()];
    let own = rcgen::generate_simple_self_signed(name).unwrap();
    let (cert, private) = (own.cert.pem(), own.signing_key.serialize_pem());
    let minio = Minio::start_with(|certs| {
        std::fs::write(certs.join("public.crt"), &cert).unwrap();
        std::fs::write(certs.join("private.key"), &private).unwrap();
        true
    });
    let minio = minio.await;

    // Without it: not trusted, so nothing is sent, and that is known.
    let store = S3Store::open(&minio.options("bucket")).await.unwrap();
    for error in errors(&store).await {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert!(chain(&error).contains("certificate"), "{}", chain(&error));
    }
    // With it the server itself answers.
    let store = S3Store::open(&minio.options("bucket").ca(minio.certs().join("public.crt"))).await.unwrap();
    for error in errors(&store).await {
        assert!(matches!(error, StoreError::NoSuchPlace { .. }), "{error:?}");
    }
    // A file without one is refused at once.
    let error = S3Store::open(&minio.options("bucket").ca(minio.certs().join("private.key"))).await.unwrap_err();
    assert!(error.to_string().contains("no PEM certificate"), "{error}");
}
