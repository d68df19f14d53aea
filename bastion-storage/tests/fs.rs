//! The filesystem store on real folders: the behaviour suite, planted links, leftovers, removed roots.
#![cfg(feature = "fs")]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bastion_core::store::{Key, MAX_FILE, Prefix, PutOptions, Store, StoreError, StoreResult, conformance};
use bastion_storage::FsStore;
use bytes::Bytes;
use futures::TryStreamExt;

fn key(path: &str) -> Key {
    Key::parse(path).unwrap()
}

async fn put(store: &FsStore, path: &str) -> StoreResult<()> {
    store.put(&key(path), Bytes::from_static(b"body"), &PutOptions::create()).await.map(drop)
}

async fn names(store: &FsStore) -> StoreResult<Vec<String>> {
    store.list(&Prefix::root(), None).map_ok(|meta| meta.key.to_string()).try_collect().await
}

fn age(path: &Path, age: Duration) {
    fs::File::options().append(true).open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn behaves_like_a_store() {
    let folder = tempfile::tempdir().unwrap();
    conformance::check(Arc::new(FsStore::open(folder.path()).await.unwrap())).await;
    let left = fs::read_dir(folder.path().join(".#tmp")).unwrap().count();
    assert_eq!(left, 0, "no temporary file outlives its put");
}

#[tokio::test]
async fn what_a_crash_left_is_never_listed_and_removed_a_day_later() {
    let folder = tempfile::tempdir().unwrap();
    let temp = folder.path().join(".#tmp");
    fs::create_dir(&temp).unwrap();
    for (name, hours) in [("yesterday", 25), ("just-now", 0)] {
        fs::write(temp.join(name), "half a fi").unwrap();
        age(&temp.join(name), Duration::from_hours(hours));
    }
    let store = FsStore::open(folder.path()).await.unwrap();
    assert_eq!(names(&store).await.unwrap(), [""; 0]);
    assert!(temp.join("yesterday").exists(), "whoever only reads removes nothing");

    put(&store, "a/b").await.unwrap();
    assert_eq!(names(&store).await.unwrap(), ["a/b"]);
    let left: Vec<_> = fs::read_dir(&temp).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["just-now"], "it may belong to somebody who is writing it");
}

#[tokio::test]
async fn links_are_followed_nowhere() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(outside.path().join("secret"), "secret").unwrap();
    fs::create_dir(folder.path().join("inside")).unwrap();
    symlink(outside.path(), folder.path().join("dir")).unwrap();
    symlink(outside.path().join("secret"), folder.path().join("file")).unwrap();
    symlink("inside", folder.path().join("within")).unwrap();
    let store = FsStore::open(folder.path()).await.unwrap();

    for path in ["dir/secret", "file", "within/file"] {
        let read = store.get(&key(path), None).await.unwrap_err();
        assert!(matches!(read, StoreError::Denied { .. }), "{path}: {read:?}");
        let head = store.head(&key(path)).await.unwrap_err();
        assert!(matches!(head, StoreError::Denied { .. }), "{path}: {head:?}");
    }
    let escape = put(&store, "dir/planted").await.unwrap_err();
    assert!(matches!(escape, StoreError::Denied { .. }), "{escape:?}");
    assert!(!outside.path().join("planted").exists());
    assert!(matches!(store.delete(&key("dir/secret")).await, Err(StoreError::Denied { .. })));
    assert!(matches!(put(&store, "file").await, Err(StoreError::AlreadyExists { .. })));

    // An overwrite replaces the link, not what it points to.
    store.put(&key("file"), Bytes::from_static(b"ours"), &PutOptions::overwrite()).await.unwrap();
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
    assert_eq!(store.get(&key("file"), None).await.unwrap(), "ours");

    let listed = names(&store).await.unwrap_err();
    assert!(matches!(&listed, StoreError::Denied { key, .. } if key == "dir"), "{listed:?}");
}

#[tokio::test]
async fn a_linked_temp_folder_leads_nowhere() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    symlink(outside.path(), folder.path().join(".#tmp")).unwrap();
    let store = FsStore::open(folder.path()).await.unwrap();
    assert!(matches!(put(&store, "a").await, Err(StoreError::Denied { .. })));
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn the_root_itself_may_be_a_link() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("real")).unwrap();
    symlink("real", folder.path().join("link")).unwrap();
    let store = FsStore::open(folder.path().join("link")).await.unwrap();
    put(&store, "a").await.unwrap();
    assert_eq!(fs::read(folder.path().join("real/a")).unwrap(), b"body");
}

#[tokio::test]
async fn a_place_that_is_not_there_is_not_an_empty_repository() {
    let folder = tempfile::tempdir().unwrap();
    let missing = FsStore::open(folder.path().join("not/mounted")).await.unwrap_err();
    assert!(matches!(missing, StoreError::NoSuchPlace { .. }), "{missing:?}");
    assert!(missing.to_string().contains("not/mounted"), "{missing}");
    fs::write(folder.path().join("file"), "").unwrap();
    let file = FsStore::open(folder.path().join("file")).await.unwrap_err();
    assert!(matches!(file, StoreError::NoSuchPlace { .. }), "{file:?}");

    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    let store = FsStore::open(&root).await.unwrap();
    fs::remove_dir(&root).unwrap();
    let gone = |e: StoreError| assert!(matches!(e, StoreError::NoSuchPlace { .. }), "{e:?}");
    gone(store.get(&key("a/b"), None).await.unwrap_err());
    gone(store.head(&key("a")).await.unwrap_err());
    gone(put(&store, "a/b").await.unwrap_err());
    gone(store.delete(&key("a")).await.unwrap_err());
    gone(names(&store).await.unwrap_err());
    gone(store.list(&Prefix::from_segments(["a"]), None).try_next().await.unwrap_err());
}

#[tokio::test]
async fn a_new_place_is_made_with_all_above_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/c");
    for _ in 0..2 {
        FsStore::create(&path).await.unwrap();
    }
    put(&FsStore::open(&path).await.unwrap(), "file").await.unwrap();
    let mode = fs::metadata(folder.path().join("a")).unwrap().permissions().mode();
    assert_eq!(mode & 0o007, 0, "{mode:o}");
    let below_a_file = FsStore::create(path.join("file/d")).await.unwrap_err();
    assert!(below_a_file.to_string().contains("file/d"), "{below_a_file}");
}

#[tokio::test]
async fn what_is_not_ours_is_passed_over_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = FsStore::open(folder.path()).await.unwrap();
    put(&store, "clusters/a").await.unwrap();
    fs::create_dir(folder.path().join("lost+found")).unwrap();
    fs::write(folder.path().join("clusters/notes (copy).txt"), "").unwrap();
    assert_eq!(names(&store).await.unwrap(), ["clusters/a"]);

    let huge = fs::File::create(folder.path().join("huge")).unwrap();
    huge.set_len(MAX_FILE as u64 * 100).unwrap();
    let error = store.get(&key("huge"), None).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(store.get(&key("huge"), Some(5..10)).await.unwrap().len(), 5, "a part of it can be read");
}

#[tokio::test]
async fn others_on_the_machine_cannot_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = FsStore::open(folder.path()).await.unwrap();
    put(&store, "a/b").await.unwrap();
    for path in ["a", "a/b", ".#tmp"] {
        let mode = fs::metadata(folder.path().join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o007, 0, "{path} {mode:o}");
    }
}
