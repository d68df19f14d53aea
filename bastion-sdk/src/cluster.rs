//! Clusters: what a session backs up and restores into.
//!
//! [`Cluster`] is the seam between a session and whatever holds the objects. Real clusters are
//! [`k8s::Client`](crate::k8s::Client)s, which [`connect`] makes of a [`ClusterSpec`](crate::spec::ClusterSpec);
//! examples and tests use a [`MemoryCluster`](bastion_core::memory::MemoryCluster).

mod contract;
#[cfg(feature = "k8s")]
mod kubernetes;
mod live;
mod memory;

/// What an implementation of [`Cluster`] is annotated with.
pub use async_trait::async_trait;
pub use contract::Cluster;
#[cfg(feature = "k8s")]
pub use kubernetes::connect;
pub use live::live;
