use aws_sdk_s3::config::{Credentials, Region};
use bastion_core::store::{Prefix, PutOptions, Store, StoreError, StoreResult};
use bastion_storage::{S3Credentials, StoreOptions};
use bytes::Bytes;
use futures::TryStreamExt;

use crate::{
    chain, key,
    minio::{ACCESS_KEY, Minio, SECRET_KEY},
};

/// The policy that docs/operations.md recommends, for this bucket and prefix.
fn recommended_policy(bucket: &str, prefix: &str) -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
    let page = std::fs::read_to_string(page).unwrap();
    let policy = page.split("```json").nth(1).unwrap().split("```").next().unwrap();
    assert!(policy.contains("s3:ListBucket"), "the page's first JSON is the policy");
    policy.replace("BUCKET", bucket).replace("PREFIX", prefix)
}

/// Temporary credentials that may do what the policy says.
async fn credentials(minio: &Minio, policy: String) -> S3Credentials {
    let key = Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test");
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .endpoint_url(minio.endpoint())
        .region(Region::new("us-east-1"))
        .credentials_provider(key)
        .load()
        .await;
    let role = aws_sdk_sts::Client::new(&config).assume_role().role_session_name("test").policy(policy);
    let made = role.role_arn("arn:aws:iam::123456789012:role/test").send().await.unwrap().credentials.unwrap();
    S3Credentials::new(made.access_key_id, made.secret_access_key, Some(made.session_token))
}

#[tokio::test]
async fn the_recommended_policy_is_enough_and_no_more() {
    let minio = Minio::start().await;
    let whole = minio.store("backups").await;
    whole.put(&key("other/file"), Bytes::from_static(b"x"), &PutOptions::create()).await.unwrap();
    let credentials = credentials(&minio, recommended_policy("backups", "team-a")).await;
    let options = StoreOptions::default().credentials(credentials);
    let url = |prefix: &str| format!("s3://backups/{prefix}?endpoint={}", minio.endpoint());

    let store = bastion_storage::open(&url("team-a"), &options).await.unwrap();
    let file = key("clusters/file");
    store.put(&file, Bytes::from_static(b"one"), &PutOptions::create()).await.unwrap();
    store.put(&file, Bytes::from_static(b"two"), &PutOptions::overwrite()).await.unwrap();
    let again = store.put(&file, Bytes::new(), &PutOptions::create()).await.unwrap_err();
    assert!(matches!(again, StoreError::AlreadyExists { .. }), "{}", chain(&again));
    assert_eq!(store.get(&file, Some(1..3)).await.unwrap(), "wo");
    assert_eq!(store.head(&file).await.unwrap().size, 3);
    assert!(store.get(&key("nothing"), None).await.unwrap_err().is_not_found());
    assert!(store.head(&key("nothing")).await.unwrap_err().is_not_found());
    let listed: Vec<_> = store.list(&Prefix::root(), None).map_ok(|m| m.key).try_collect().await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&file));

    let denied = |result: StoreResult<()>| {
        let error = result.unwrap_err();
        assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
        assert!(chain(&error).contains("AccessDenied"), "{}", chain(&error));
    };
    denied(store.delete(&file).await);
    let other = bastion_storage::open(&url("other"), &options).await.unwrap();
    denied(other.get(&key("file"), None).await.map(drop));
    denied(other.head(&key("file")).await.map(drop));
    denied(other.put(&key("new"), Bytes::new(), &PutOptions::create()).await.map(drop));
}
