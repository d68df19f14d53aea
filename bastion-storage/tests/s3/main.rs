//! The S3 store against a real `MinIO`, whose binary is named by `BASTION_TEST_MINIO` or lies on the `PATH`;
//! without one these tests are skipped and say so.
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
