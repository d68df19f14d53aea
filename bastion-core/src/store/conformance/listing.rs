use super::{Prefix, StreamExt, Suite, TryStreamExt, folder, key};

impl Suite {
    /// Keys whose order by bytes differs from the order of a walk through folders, and siblings whose names
    /// start alike.
    pub(super) async fn list_order(&self) {
        let mut keys: Vec<_> = ["a%20b", "a-b", "a-b2/x", "a.b", "a/x", "a/y/z", "a0", "a=", "aa/x", "a_b/x", "b", "A"]
            .into_iter()
            .chain(["dir/b/1", "dir/b/2", "dir/bc/1", "dir/b-c/1", "dir/b.d", "dir/a", "dir/c"])
            .map(|path| key(&format!("order/{path}")))
            .collect();
        self.fill(keys.iter().rev().cloned()).await;
        keys.sort();
        let all: Vec<_> = keys.iter().map(ToString::to_string).collect();
        assert_eq!(self.keys(&folder("order"), None).await, all);

        let under = |prefix: &str| all.iter().filter(|k| k.starts_with(prefix)).cloned().collect::<Vec<_>>();
        for prefix in ["order/dir/", "order/dir/b/", "order/a/", "order/a/y/", "order/aa/", "order/none/"] {
            assert_eq!(self.keys(&folder(prefix.trim_end_matches('/')), None).await, under(prefix), "{prefix}");
        }
        assert_eq!(self.keys(&folder("order/dir/a"), None).await, [""; 0], "a file is not a folder");

        // After each key, and after keys that lie between, before and beyond.
        let between = ["order/a", "order/a/", "order/a-", "order/dir/b", "order/dir/b/15", "order/dir/bb", "0", "zzz"];
        let between = between.map(|text| text.trim_end_matches('/').to_owned());
        for after in all.iter().chain(&between) {
            let rest: Vec<_> = all.iter().filter(|k| *k > after).cloned().collect();
            assert_eq!(self.keys(&folder("order"), Some(&key(after))).await, rest, "after {after}");
            let rest: Vec<_> = under("order/dir/").into_iter().filter(|k| k > after).collect();
            assert_eq!(self.keys(&folder("order/dir"), Some(&key(after))).await, rest, "in dir after {after}");
        }
    }

    /// More than a page of S3.
    pub(super) async fn list_of_many(&self) {
        let keys: Vec<_> = (0..1100).map(|n| key(&format!("many/{}/{n:05}", n / 300))).collect();
        self.fill(keys.iter().cloned()).await;
        let all: Vec<_> = keys.iter().map(ToString::to_string).collect();
        assert_eq!(self.keys(&folder("many"), None).await, all);
        assert_eq!(self.keys(&folder("many"), Some(&keys[1049])).await, all[1050..]);

        // Taking the first few is a matter of moments and leaves nothing behind.
        for _ in 0..20 {
            let first: Vec<_> =
                self.read.list(&Prefix::root(), Some(&key("many"))).take(2).try_collect().await.unwrap();
            assert_eq!(first.iter().map(|m| m.key.as_str()).collect::<Vec<_>>(), all[..2]);
        }
    }
}
