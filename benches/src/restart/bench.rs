use std::time::Duration;

use bastion_tests::{Bastion, S3Proxy};

use crate::cluster::Stage;

pub(crate) const REPOSITORY: &str = "restart";
/// How many objects are changed while nobody watches.
pub(crate) const CHANGED: u64 = 100;
/// Silence after which everything is taken to be written.
pub(crate) const QUIET: Duration = Duration::from_secs(5);

/// A cluster, and `bastion` beside it.
pub(crate) struct Bench<'a> {
    pub(crate) stage: &'a Stage,
    /// Between `bastion` and the S3 server.
    pub(crate) proxy: S3Proxy,
    pub(crate) bastion: Bastion,
    pub(crate) objects: u64,
}
