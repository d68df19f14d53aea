//! The test cluster of Bastion: real servers as child processes, on free ports and in temporary folders,
//! ended with the test, however it dies.
//!
//! - [`tools`] and [`need`]: the programs, found or built once from pinned Go modules, and what the machine must have;
//! - [`control_plane`]: etcd, the API server and the controller-manager, with the ways they fail;
//! - [`minio`]: an S3 server;
//! - [`proxy`] and [`s3_proxy`]: what stands between Bastion and a server and delays, cuts, drops, counts;
//! - [`crds`], [`load`], [`samples`], [`awkward`]: what is put into a cluster;
//! - [`compare`]: whether two clusters hold the same, by a program that shares no code with `bastion-core`;
//! - [`programs`]: Bastion's own binaries as child processes.
//!
//! Linux only: children are tied to their parent with `setpriv --pdeathsig` of util-linux.

pub mod api;
pub mod awkward;
pub mod compare;
pub mod control_plane;
pub mod crds;
pub mod dir;
pub mod expect;
pub mod load;
pub mod minio;
pub mod pki;
pub mod ports;
pub mod process;
pub mod programs;
pub mod proxy;
pub mod s3;
pub mod s3_proxy;
pub mod samples;
pub mod wait;

pub use api::{Api, Resource};
pub use bastion_test_tools::{Context, Error, Need, Result, Tool, error, need, say, tools};
pub use control_plane::{ControlPlane, ControlPlaneOptions};
pub use dir::TestDir;
pub use minio::Minio;
pub use process::{Process, Program};
pub use programs::{Bastion, Saved};
pub use proxy::Proxy;
pub use s3_proxy::S3Proxy;

/// The seed of a run: `BASTION_SEED` where set, else random. Printed, so that a failure can be repeated.
pub fn seed() -> u64 {
    let given = std::env::var("BASTION_SEED").ok().and_then(|s| s.parse().ok());
    let seed = given.unwrap_or_else(rand::random);
    say(&format!("BASTION_SEED={seed}"));
    seed
}

/// The examples of the README, run with those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
