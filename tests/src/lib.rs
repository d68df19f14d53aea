//! The test cluster of Bastion: real servers as child processes, on free ports and in temporary folders,
//! ended with the test, however it dies.
//!
//! - [`tools`]: the programs, found or built once from pinned Go modules;
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
pub mod error;
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
pub mod tools;
pub mod wait;

pub use api::{Api, Resource};
pub use control_plane::{ControlPlane, ControlPlaneOptions};
pub use dir::TestDir;
pub use error::{Context, Error, Result};
pub use minio::Minio;
pub use process::{Process, Program};
pub use programs::{Bastion, Saved};
pub use proxy::Proxy;
pub use s3_proxy::S3Proxy;
pub use tools::Tool;

/// Prints a line for the person who waits: progress of long work, seeds, logs of what failed.
#[allow(clippy::print_stderr, reason = "a test library reports to the person in front of it")]
pub fn say(line: &str) {
    eprintln!("{line}");
}

/// Lower-case hex.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // cannot fail
        text
    })
}

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
