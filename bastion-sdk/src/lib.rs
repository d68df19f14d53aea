//! Embed Bastion: continuous backup of Kubernetes objects, and restores to any moment.
//!
//! Bastion keeps every revision of the objects that you select, in a repository: a folder or an S3 bucket. This crate
//! puts the engine, the stores and the Kubernetes client together; the `bastion` command and the controller are thin
//! programs over it.
//!
//! - **A dozen lines** from a kubeconfig to a backup, and from a backup to a restore.
//! - **Plain specs**, which serialize: flags, environment, configuration files and custom resources become the same
//!   types, validated in one place, with errors that name the key as the person wrote it.
//! - **Only what an operation needs**: reading a repository needs no cluster and no credentials for one.
//! - **Errors that help**: a category for metrics and exit codes, whether trying again helps, and a line of advice.
//!
//! # A backup and a restore
//!
//! With a real cluster and a bucket:
//!
//! ```no_run
//! # #[cfg(feature = "k8s")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use bastion_sdk::{CancellationToken, Session, spec::{BackupSpec, ClusterSpec, RepositorySpec, RestoreSpec}};
//!
//! let session = Session::connect(&ClusterSpec::default(), &RepositorySpec::new("s3://backups/prod")).await?;
//! let report = session.backup(&BackupSpec::all()).run(CancellationToken::new()).await?;
//! assert!(report.is_complete());
//! session.restore(&RestoreSpec::namespace("shop").at("2h")?).plan().await?.apply().await?;
//! # Ok(())
//! # }
//! ```
//!
//! With a cluster in memory and a folder, as your tests may do it:
//!
//! ```
//! use std::sync::Arc;
//! use bastion_sdk::{CancellationToken, Repo, Session, core::{memory::MemoryCluster, restore::Outcome}};
//! use bastion_sdk::spec::{BackupSpec, RepositorySpec, RestoreSpec};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let url = format!("file://{}/backups", folder.path().display());
//! let production = MemoryCluster::new("production");
//! production.put(r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "prices", "namespace": "shop"}}"#)?;
//! let repo = Repo::open_to_write(&RepositorySpec::new(url).create(true)).await?;
//!
//! let session = Session::open(Arc::new(production), Some("production"), repo.clone()).await?;
//! let report = session.backup(&BackupSpec::all()).run(CancellationToken::new()).await?;
//! assert!(report.is_complete());
//!
//! // Into another, empty cluster.
//! let standby = Session::open(Arc::new(MemoryCluster::new("standby")), Some("standby"), repo).await?;
//! let shop = RestoreSpec::namespace("shop").of_cluster("production");
//! let report = standby.restore(&shop).plan().await?.apply().await?;
//! assert_eq!(report.count(Outcome::Created), 2, "the namespace, and what lives in it");
//! # Ok(())
//! # }
//! ```
//!
//! # Which type for what
//!
//! | to | you need | which you get from |
//! |---|---|---|
//! | create a repository, list its clusters, verify it | [`Repo`] | [`Repo::open`], [`Repo::open_to_write`], [`Repo::create`] |
//! | list saved objects, read revisions, plan a restore | [`Reader`] | [`Repo::reader`], [`Session::reader`] |
//! | back up, restore | [`Session`] | [`Session::connect`], [`Session::open`] |
//! | continue the log of a cluster that is no more | [`Adoption`] | [`Adoption::of`] |
//! | say what is to be done | a [`spec`] | builders, serde |
//! | advise a person | [`remedy`](remedy::remedy) | an [`Error`] |
//!
//! # Back up continuously
//!
//! [`Session::follow`] lists the selected objects and then saves every change within moments, until it is cancelled.
//! It continues where the last run stopped, also after a crash, and finds what was deleted in between. Of one
//! [role](spec::BackupSpec::role) only the newest writer works: start a second process, and the first stops by itself.
//!
//! ```no_run
//! # #[cfg(feature = "k8s")]
//! # async fn example(session: bastion_sdk::Session) -> Result<(), Box<dyn std::error::Error>> {
//! use bastion_sdk::{CancellationToken, spec::{BackupSpec, Selection}};
//!
//! let spec = BackupSpec::select(Selection::all().namespace("shop")).role("shop-portal");
//! let backup = session.follow(&spec).prepare().await?;
//! let (stats, stop) = (backup.stats(), CancellationToken::new());
//! let run = tokio::spawn(backup.run(stop.clone()));
//! println!("{} kinds", stats.snapshot().kinds.len());
//! stop.cancel(); // what is under way is saved first
//! assert!(run.await??.flushed);
//! # Ok(())
//! # }
//! ```
//!
//! As a service with several replicas, probes and metrics: `replica` and `process`, with feature `process`.
//!
//! # Find out what a backup would save
//!
//! [`Repo::open_dry_run`] opens a repository over a store that keeps what is written to itself: a [`Session`] over it
//! goes the whole way of a backup, and the repository stays as it is.
//!
//! # Read what is saved
//!
//! A [`Reader`] is one cluster's log at one moment: [`Reader::objects`] takes kubectl's words for kinds and label
//! selectors, [`Reader::history`] lists the revisions of an object, [`Reader::manifest`] gives the content of one.
//!
//! # Restore
//!
//! A restore is planned first, from the repository alone, and the plan can be printed. It creates what is missing and
//! leaves alone what is there and equal; [`ConflictSpec`](spec::ConflictSpec) says what becomes of the rest. Running it
//! again continues where it stopped. [`PlannedRestore::applier`] has progress, a dry run against the cluster, and
//! cancelling.
//!
//! # Names of clusters
//!
//! A repository holds the logs of many clusters, each under a name. The uid of namespace kube-system decides which
//! cluster is which: [`Session::open`] keeps the name of a cluster that is known, and refuses one that belongs to
//! another. A cluster that was built anew takes over the log of the old one by [adopting](Adoption) it.
//!
//! # Errors
//!
//! There is one [`Error`], with a [`Category`](core::Category) and [`Error::is_retryable`]. A kind or an object that
//! fails is no error: it is named in the report, and the rest goes on.
//!
//! # Features
//!
//! | feature | default | what |
//! |---|---|---|
//! | `fs` | yes | repositories in folders |
//! | `s3` | yes | repositories in S3, `MinIO` and whatever else speaks S3 |
//! | `k8s` | yes | real clusters |
//! | `v1_34` | yes | the Kubernetes version that k8s-openapi is built for; turn it off if your program chooses another |
//! | `diff` | no | unified diffs of objects: `core::diff::unified` |
//! | `metrics` | no | the engine's numbers for Prometheus |
//! | `process` | no | what long-lived programs need around a session: signals, an admin server, logging, leader election |

mod adopt;
mod backup;
pub mod cluster;
mod deletions;
mod error;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "process")]
pub mod process;
mod reader;
pub mod remedy;
#[cfg(all(feature = "process", feature = "k8s"))]
pub mod replica;
mod repo;
mod restore;
mod session;
pub mod spec;
mod stored;
pub mod time;
mod views;

pub use adopt::Adoption;
pub use backup::{Backup, PreparedBackup};
pub use bastion_core as core;
#[cfg(feature = "k8s")]
pub use bastion_k8s as k8s;
pub use bastion_storage as storage;
pub use deletions::AcceptedDeletions;
pub use error::{Error, Result};
pub use reader::Reader;
pub use repo::Repo;
pub use restore::{PlannedRestore, Restore};
pub use session::Session;
/// Ends a run: tokio-util's token.
pub use tokio_util::sync::CancellationToken;

/// The program of the crate's README compiles.
#[cfg(all(doctest, feature = "k8s"))]
#[doc = include_str!("../README.md")]
struct Readme;
