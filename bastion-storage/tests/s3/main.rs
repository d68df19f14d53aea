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

use std::error::Error;

use bastion_core::store::{Key, StoreError};

fn key(path: &str) -> Key {
    Key::parse(path).unwrap()
}

/// The error and everything beneath it, as a program prints it.
fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}
