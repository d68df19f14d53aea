//! Embed Bastion: continuous backup of Kubernetes objects, and restores to any moment.
//!
//! This crate composes [`core`] (the engine), [`storage`] (folders and S3) and [`k8s`] (real clusters), so that one
//! dependency is enough.
//!
//! # Features
//!
//! | feature | default | what |
//! |---|---|---|
//! | `fs` | yes | repositories in folders |
//! | `s3` | yes | repositories in S3, MinIO and whatever else speaks S3 |
//! | `k8s` | yes | real clusters |
//! | `v1_34` | yes | the Kubernetes version that k8s-openapi is built for; turn it off if your program chooses another |
//! | `metrics` | no | the engine's numbers for Prometheus |
//! | `process` | no | what long-lived programs need around a session: signals, an admin server, logging |

#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "process")]
pub mod process;

pub use bastion_core as core;
#[cfg(feature = "k8s")]
pub use bastion_k8s as k8s;
pub use bastion_storage as storage;
