//! Objects in a bucket of S3, `MinIO` or whatever else speaks S3.

mod bucket;
mod config;
mod error;
mod list;
mod store;

pub use config::{S3Credentials, S3Options};
pub use store::S3Store;
