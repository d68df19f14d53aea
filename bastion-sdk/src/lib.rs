//! Embed Bastion: continuous backup for Kubernetes objects, with restore to any point in time.
//!
//! Bastion keeps every revision of the objects that you select in a repository: a folder or an S3 bucket. This crate
//! composes the engine, the stores and the Kubernetes client; the `bastion` command and the controller are thin
//! programs on top of it.
//!
//! - **A dozen lines** from a kubeconfig to a backup, and from a backup to a restore.
//! - **Plain specs** that serialize: flags, environment variables, configuration files and custom resources become the
//!   same types, validated in one place, with errors that name the key the way your user wrote it.
//! - **Only what an operation needs**: reading a repository needs no cluster and no credentials for one.
//! - **Errors that help**: a category for metrics and exit codes, whether a retry helps, and a line of advice.
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
//! With an in-memory cluster and a folder, as in your own tests:
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
//! | continue the log of a cluster that no longer exists | [`Adoption`] | [`Adoption::of`] |
//! | describe what to do | a [`spec`] | builders, serde |
//! | show advice to your user | [`remedy`](remedy::remedy) | an [`Error`] |
//!
//! # Back up continuously
//!
//! [`Session::follow`] lists the selected objects and then saves every change within moments, until it is cancelled.
//! It continues where the last run stopped, even after a crash, and finds what was deleted in between. Only the newest
//! writer of a [role](spec::BackupSpec::role) works: start a second process, and the first one stops by itself.
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
//! stop.cancel(); // what is in flight is saved first
//! assert!(run.await??.flushed);
//! # Ok(())
//! # }
//! ```
//!
//! # Long-lived programs
//!
//! With feature `process`, `process` has signals, probes, metrics and logs, and `replica` the backup by one of several
//! processes, of which one leads:
//!
//! ```no_run
//! # #[cfg(all(feature = "process", feature = "k8s"))]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use bastion_sdk::{Repo, Session, cluster, k8s::{Lease, LeaseOptions}, process::{Admin, Health, Process, pod_identity}};
//! use bastion_sdk::{replica::Replica, spec::{BackupSpec, ClusterSpec, RepositorySpec}};
//!
//! let health = Health::default();
//! let admin = Admin::new(([0, 0, 0, 0], 8080).into()).health(&health);
//! let process = Process::builder().admin(admin).start().await?;
//!
//! let client = cluster::connect(&ClusterSpec::default()).await?;
//! let repo = Repo::open_to_write(&RepositorySpec::new("s3://backups/prod")).await?;
//! let session = Session::open(Arc::new(client.clone()), Some("prod"), repo).await?;
//! let lease = Lease::new(client, LeaseOptions::new("portal", "portal-backup", pod_identity("portal")))?;
//! let replica = Replica::new(session, BackupSpec::all().role("portal"), lease, health);
//!
//! let shutdown = process.shutdown();
//! process.run(replica.run(&shutdown)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Find out what a backup would save
//!
//! [`Repo::open_dry_run`] opens a repository over a store that keeps all writes in memory. A [`Session`] over it runs a
//! complete backup, and the repository stays as it is.
//!
//! # Read what is saved
//!
//! A [`Reader`] is the log of one cluster at one point in time. [`Reader::objects`] takes kinds and label selectors as
//! kubectl does, [`Reader::history`] lists the revisions of an object, [`Reader::manifest`] gives the content of one.
//!
//! # Restore
//!
//! A restore is planned first, from the repository alone, and you can print the plan. It creates what is missing and
//! leaves alone what exists and is equal; [`ConflictSpec`](spec::ConflictSpec) decides about the rest. Run it again to
//! continue where it stopped. A [`PlannedRestore`] has progress, a dry run against the cluster, and cancellation.
//!
//! # Names of clusters
//!
//! A repository holds the logs of many clusters, each under a name. A cluster is identified by the uid of its namespace
//! kube-system: [`Session::open`] keeps the name of a known cluster, and refuses a name that belongs to another one. A
//! rebuilt cluster can take over the log of the old one by [adopting](Adoption) it.
//!
//! # Errors
//!
//! There is one [`Error`], with a [`Category`](core::Category) and [`Error::is_retryable`]. If a single kind or object
//! fails, that is not an error: the report names it, and everything else continues.
//!
//! # Features
//!
//! | feature | default | what |
//! |---|---|---|
//! | `fs` | yes | repositories in folders |
//! | `s3` | yes | repositories in S3, `MinIO` and other S3-compatible servers |
//! | `k8s` | yes | real clusters |
//! | `v1_34` | yes | the Kubernetes version that k8s-openapi is built for; turn it off if your program chooses another |
//! | `diff` | no | unified diffs of objects: `core::diff::unified` |
//! | `metrics` | no | metrics of the engine for Prometheus |
//! | `process` | no | what a long-running program needs around a session: signals, an admin server, logging, leader election |

mod adopt;
mod backup;
pub mod cluster;
mod deletions;
mod error;
#[cfg(feature = "metrics")]
pub mod metrics;
mod missing;
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
pub use missing::Missing;
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
