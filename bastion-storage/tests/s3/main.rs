//! The S3 store against a real `MinIO`: the one on the `PATH`, or one that Go builds the first time.
#![cfg(all(feature = "s3", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, missing_docs)]

mod behaviour;
mod failures;
mod minio;
mod network;
mod permissions;
mod proxy;

use bastion_core::{error::chain, store::Key};

fn key(path: &str) -> Key {
    Key::parse(path).unwrap()
}
