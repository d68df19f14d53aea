//! Where each file of a repository lies.

use crate::{
    hash::Digest,
    store::{Key, Prefix},
};

/// 10^20: checkpoint `k` lies under this minus `k`, so the newest is the first key of a LIST.
const CHECKPOINT_TOP: u128 = 100_000_000_000_000_000_000;

/// No segment or checkpoint has a higher number: whatever lies under such a key is none, and numbers can be
/// counted on.
const MAX_NUMBER: u64 = i64::MAX.cast_unsigned();

/// `bastion.json`.
pub(crate) fn config() -> Key {
    Key::from_segments(["bastion.json"])
}

/// `clusters/`.
pub(crate) fn clusters() -> Prefix {
    Prefix::from_segments(["clusters"])
}

/// The files of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterKeys(Prefix);

impl ClusterKeys {
    /// The keys of the cluster of that name.
    pub(crate) fn new(cluster: &str) -> Self {
        Self(Prefix::from_segments(["clusters", cluster]))
    }

    /// The keys of the cluster that this key lies under; `None` if it is not a key of a cluster.
    pub(crate) fn of(key: &Key) -> Option<Self> {
        let (cluster, _) = key.strip(&clusters())?.split_once('/')?;
        Prefix::parse(&format!("{}{cluster}/", clusters())).map(Self)
    }

    /// `clusters/<cluster>/`.
    pub(crate) fn all(&self) -> &Prefix {
        &self.0
    }

    /// `clusters/<cluster>/log/`: byte order is number order.
    pub(crate) fn log(&self) -> Prefix {
        self.folder("log")
    }

    /// Segment `n`.
    pub(crate) fn segment(&self, n: u64) -> Key {
        self.0.key(&Key::from_segments(["log".to_owned(), format!("{:017}", n / 1000), format!("{n:020}.seg")]))
    }

    /// The number of a segment's key; `None` if it is none.
    pub(crate) fn segment_number(&self, key: &Key) -> Option<u64> {
        let n = digits(key.file_name().strip_suffix(".seg")?)?;
        let n = u64::try_from(n).ok()?;
        (n <= MAX_NUMBER && self.segment(n) == *key).then_some(n)
    }

    /// `clusters/<cluster>/packs/`.
    pub(crate) fn packs(&self) -> Prefix {
        self.folder("packs")
    }

    /// The pack of that name.
    pub(crate) fn pack(&self, name: &Digest) -> Key {
        self.0.key(&Key::from_segments(["packs".to_owned(), format!("{name}.pack")]))
    }

    /// The name of a pack's key; `None` if it is none.
    pub(crate) fn pack_name(&self, key: &Key) -> Option<Digest> {
        let name = key.file_name().strip_suffix(".pack")?.parse().ok()?;
        (self.pack(&name) == *key).then_some(name)
    }

    /// `clusters/<cluster>/index/`.
    pub(crate) fn indexes(&self) -> Prefix {
        self.folder("index")
    }

    /// The index file of that name.
    pub(crate) fn index(&self, name: &Digest) -> Key {
        self.0.key(&Key::from_segments(["index".to_owned(), format!("{name}.idx")]))
    }

    /// The name of an index file's key; `None` if it is none.
    pub(crate) fn index_name(&self, key: &Key) -> Option<Digest> {
        let name = key.file_name().strip_suffix(".idx")?.parse().ok()?;
        (self.index(&name) == *key).then_some(name)
    }

    /// `clusters/<cluster>/checkpoints/`: the newest is the first.
    pub(crate) fn checkpoints(&self) -> Prefix {
        self.folder("checkpoints")
    }

    /// Checkpoint `k`, from 1 on.
    pub(crate) fn checkpoint(&self, k: u64) -> Key {
        let name = format!("{:020}.ckpt", CHECKPOINT_TOP - u128::from(k));
        self.0.key(&Key::from_segments(["checkpoints".to_owned(), name]))
    }

    /// The number of a checkpoint's key; `None` if it is none.
    pub(crate) fn checkpoint_number(&self, key: &Key) -> Option<u64> {
        let stem = digits(key.file_name().strip_suffix(".ckpt")?)?;
        let k = u64::try_from(CHECKPOINT_TOP.checked_sub(stem)?).ok()?;
        ((1..=MAX_NUMBER).contains(&k) && self.checkpoint(k) == *key).then_some(k)
    }

    fn folder(&self, name: &str) -> Prefix {
        self.0.join(&Prefix::from_segments([name]))
    }
}

/// 20 decimal digits.
fn digits(text: &str) -> Option<u128> {
    (text.len() == 20 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}
