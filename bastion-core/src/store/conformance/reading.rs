use super::{Key, Prefix, StoreError, Suite, TryStreamExt, folder, key, pattern};
use crate::store::MAX_FILE;

impl Suite {
    pub(super) async fn empty(&self) {
        assert_eq!(self.keys(&Prefix::root(), None).await, [""; 0], "the suite wants an empty store");
        assert_eq!(self.keys(&folder("no/such/folder"), None).await, [""; 0]);
        assert_eq!(self.keys(&Prefix::root(), Some(&key("somewhere/beyond"))).await, [""; 0]);
    }

    pub(super) async fn not_found(&self) {
        self.assert_absent(&key("nothing")).await;
        self.assert_absent(&key("no/such/folder/nothing")).await;
        self.create(&key("absent/there/file"), "x").await.unwrap();
        self.assert_absent(&key("absent/there/files")).await;
        self.assert_absent(&key("absent/there")).await; // a folder is not a file
    }

    pub(super) async fn reads_what_was_put(&self) {
        for size in [0, 1, 4096, 300_000] {
            let (key, body) = (key(&format!("sizes/{size}")), pattern(size, 7));
            let meta = self.create(&key, body.clone()).await.unwrap();
            assert_eq!((&meta.key, meta.size), (&key, size as u64));
            self.assert_holds(&key, &body).await;
            let listed: Vec<_> = self.read.list(&folder("sizes"), None).try_collect().await.unwrap();
            let listed = listed.iter().find(|m| m.key == key).expect("listed as soon as it is put");
            assert_eq!(listed.size, size as u64);
        }
    }

    pub(super) async fn ranges(&self) {
        let (ten, empty) = (key("ranges/ten"), key("ranges/empty"));
        self.create(&ten, "0123456789").await.unwrap();
        self.create(&empty, "").await.unwrap();
        let cases = [(0..10, "0123456789"), (0..1, "0"), (9..10, "9"), (3..7, "3456"), (4..4, "")];
        let beyond = [(0..11, "0123456789"), (9..u64::MAX, "9"), (5..100, "56789")];
        for (range, expected) in cases.into_iter().chain(beyond) {
            assert_eq!(self.read.get(&ten, Some(range.clone())).await.unwrap(), expected, "{range:?}");
        }
        for (key, range, size) in [(&ten, 10..11, 10), (&ten, 10..10, 10), (&ten, 99..100, 10), (&empty, 0..1, 0)] {
            let error = self.read.get(key, Some(range.clone())).await.expect_err("nothing there");
            let StoreError::InvalidRange { size: told, start, .. } = error else { panic!("{range:?}: {error:?}") };
            assert_eq!((told, start), (size, range.start));
        }
    }

    pub(super) async fn awkward_names(&self) {
        let long = "very-long-name.".repeat(40);
        let at_limit = "x".repeat(200);
        let names = ["system:node", "a/b", "..", ".", "", "Ünïcödé ☸", "100%", "#1#", "tmp.~1~", ".hidden", "UPPER"];
        let names = names.into_iter().chain(["upper", "a b+c&d=e?f", "\"<'\\>*|", "\n\0", &long, &at_limit]);
        let keys: Vec<_> = names.map(|name| Key::from_segments(["awkward", name, name])).collect();
        for key in &keys {
            self.create(key, key.as_str().to_owned()).await.unwrap();
        }
        for key in &keys {
            self.assert_holds(key, key.as_str().as_bytes()).await;
        }
        let mut expected: Vec<_> = keys.iter().map(ToString::to_string).collect();
        expected.sort();
        assert_eq!(self.keys(&folder("awkward"), None).await, expected);
    }

    pub(super) async fn big_files(&self) {
        let (key, body) = (key("big/file"), pattern(MAX_FILE, 3));
        self.create(&key, body.clone()).await.unwrap();
        self.assert_holds(&key, &body).await;
        let end = MAX_FILE as u64;
        assert_eq!(self.read.get(&key, Some(end - 3..end)).await.unwrap(), body[MAX_FILE - 3..]);
    }
}
