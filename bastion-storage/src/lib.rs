//! Stores for Bastion: folders and S3.
//!
//! Everything here is a [`Store`](bastion_core::store::Store): create-only or atomic writes that are durable
//! on `Ok`, lists in byte order, errors that say what to do. [`open`] makes one of a URL and adds retries
//! and a limit.
//!
//! ```
//! use bastion_core::store::{Key, PutOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let url = format!("file://{}", folder.path().display());
//! // let url = "s3://backups/production?endpoint=https://minio.example:9000";
//! let store = bastion_storage::open(&url, &Default::default()).await?;
//! let key = Key::from_segments(["tree", "production", "system:node"]);
//! store.put(&key, "a manifest".into(), &PutOptions::create()).await?;
//! assert_eq!(store.get(&key, None).await?, "a manifest");
//! # Ok(())
//! # }
//! ```
//!
//! | feature | default | what |
//! |---|---|---|
//! | `fs` | yes | [`FsStore`]: folders, local or mounted (Linux, macOS) |
//! | `s3` | yes | [`S3Store`]: S3, `MinIO` and what else speaks it, by the AWS SDK |

#[cfg(feature = "fs")]
mod fs;
#[cfg(feature = "s3")]
mod s3;
mod url;

#[cfg(feature = "fs")]
pub use fs::FsStore;
#[cfg(feature = "s3")]
pub use s3::{S3Credentials, S3Options, S3Store};
pub use url::{Place, StoreOptions, open, place};
