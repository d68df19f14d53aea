use std::time::Duration;

use tokio::{sync::Barrier, task::JoinSet};

use super::{Arc, Key, PutMode, PutOptions, StoreError, Suite, assert_exists, folder, key, pattern};
use crate::store::MAX_FILE;

impl Suite {
    pub(super) async fn create_only(&self) {
        let key = key("create/once");
        self.create(&key, "first").await.unwrap();
        // Not even the same bytes.
        for body in ["second, and longer", "first", ""] {
            assert_exists(&self.create(&key, body).await);
            self.assert_holds(&key, b"first").await;
        }
        self.write.delete(&key).await.unwrap();
        self.create(&key, "anew").await.unwrap();
        self.assert_holds(&key, b"anew").await;
    }

    pub(super) async fn racing_creates(&self) {
        for (round, size) in [100, 100, 100, 300_000, 300_000, 0].into_iter().enumerate() {
            let key = key(&format!("race/{round}"));
            let start = Arc::new(Barrier::new(20));
            let mut racers = JoinSet::new();
            for racer in 0..20 {
                let (store, key, start) = (self.write.clone(), key.clone(), start.clone());
                racers.spawn(async move {
                    let body = pattern(size, racer);
                    start.wait().await;
                    (racer, store.put(&key, body, &PutOptions::create()).await)
                });
            }
            let (won, lost): (Vec<_>, Vec<_>) = racers.join_all().await.into_iter().partition(|(_, r)| r.is_ok());
            assert_eq!(won.len(), 1, "exactly one of twenty wins: {won:?} {lost:?}");
            for (_, result) in &lost {
                assert_exists(result);
            }
            self.assert_holds(&key, &pattern(size, won[0].0)).await;
        }
    }

    pub(super) async fn overwrite(&self) {
        let key = key("overwrite/file");
        for body in ["first", "second, and longer", "", "x"] {
            let meta = self.write.put(&key, body.into(), &PutOptions::overwrite()).await.unwrap();
            assert_eq!((&meta.key, meta.size), (&key, body.len() as u64));
            self.assert_holds(&key, body.as_bytes()).await;
        }
        assert_exists(&self.create(&key, "too late").await);
        assert_eq!(self.keys(&folder("overwrite"), None).await, [key.to_string()]);
    }

    pub(super) async fn overwrite_is_atomic(&self) {
        let key = key("atomic/file");
        let states = [pattern(100_000, 1), pattern(250_000, 2)];
        self.create(&key, states[0].clone()).await.unwrap();
        let mut readers = JoinSet::new();
        for _ in 0..3 {
            let (store, key, states) = (self.read.clone(), key.clone(), states.clone());
            readers.spawn(async move {
                for _ in 0..30 {
                    let body = store.get(&key, None).await.expect("there at any time");
                    assert!(states.contains(&body), "neither the old file nor the new one: {} bytes", body.len());
                    tokio::task::yield_now().await;
                }
            });
        }
        for n in 0..30 {
            self.write.put(&key, states[n % 2].clone(), &PutOptions::overwrite()).await.unwrap();
            tokio::task::yield_now().await;
        }
        readers.join_all().await;
    }

    pub(super) async fn delete_is_idempotent(&self) {
        let (key, sibling) = (key("delete/folder/file"), key("delete/folder2/file"));
        self.create(&key, "x").await.unwrap();
        self.create(&sibling, "x").await.unwrap();
        for _ in 0..2 {
            self.write.delete(&key).await.unwrap();
            self.assert_absent(&key).await;
        }
        self.write.delete(&Key::from_segments(["delete", "no such", "file"])).await.unwrap();
        assert_eq!(self.keys(&folder("delete"), None).await, [sibling.to_string()]);
    }

    pub(super) async fn too_large_is_refused(&self) {
        let key = key("large/file");
        for mode in [PutMode::Create, PutMode::Overwrite] {
            let options = PutOptions { mode, ..PutOptions::default() };
            let error = self.write.put(&key, pattern(MAX_FILE + 1, 0), &options).await.expect_err("too large");
            assert!(matches!(error, StoreError::Unsupported(_)), "{error:?}");
        }
        self.assert_absent(&key).await;
    }

    /// Whoever stops waiting for a put may find the file or not, now or later, but whole.
    pub(super) async fn cancelled_puts(&self) {
        let body = pattern(2_000_000, 9);
        for round in 0..10_u64 {
            let key = key(&format!("cancelled/{round}"));
            let put = self.create(&key, body.clone());
            let done = tokio::time::timeout(Duration::from_millis(round), put).await.is_ok();
            match self.read.get(&key, None).await {
                Ok(got) => assert!(got == body, "half a file: {} bytes", got.len()),
                Err(error) => assert!(!done && error.is_not_found(), "{error:?}"),
            }
            match self.create(&key, body.clone()).await {
                Ok(_) => assert!(!done),
                Err(error) => assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error:?}"),
            }
            self.assert_holds(&key, &body).await;
        }
        let keys = self.keys(&folder("cancelled"), None).await;
        assert_eq!(keys, (0..10).map(|n| format!("cancelled/{n}")).collect::<Vec<_>>());
    }
}
