//! How long to wait before the next try: the core's backoff with the times that suit an API server.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use bastion_core::backoff::Backoff;

/// For watches and lists that go on for ever.
pub(crate) fn patient() -> Backoff {
    Backoff::new(Duration::from_millis(500), Duration::from_secs(30))
}

/// For single calls.
pub(crate) fn brisk() -> Backoff {
    Backoff::new(Duration::from_millis(100), Duration::from_secs(5))
}

/// Random enough to spread waits: the standard library seeds each `RandomState` anew.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0_u8)
}
