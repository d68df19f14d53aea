use std::time::Duration;

use aws_sdk_s3::{Client, primitives::DateTime};
use bastion_core::time::Timestamp;

use super::error::Place;

/// A bucket, and how to reach it.
pub(super) struct Bucket {
    pub(super) client: Client,
    pub(super) place: Place,
    /// For a whole request with its body.
    pub(super) timeout: Duration,
}

pub(super) fn modified(time: Option<&DateTime>) -> Option<Timestamp> {
    time.and_then(|t| t.to_millis().ok()).map(Timestamp::from_millis)
}
