//! Where the bodies of a plan come from.

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    error::Result,
    record::{Extras, Revision},
    repository::Snapshot,
    runtime::SharedRuntime,
};

/// Where bodies are read from while a plan is applied.
#[async_trait]
pub(super) trait Bodies: Debug + Send + Sync {
    /// The body and what was kept beside it.
    async fn read(&self, revision: &Revision) -> Result<(Bytes, Extras)>;
    /// The repository's runtime.
    fn runtime(&self) -> SharedRuntime;
}

#[async_trait]
impl Bodies for Snapshot {
    async fn read(&self, revision: &Revision) -> Result<(Bytes, Extras)> {
        Ok((self.body(revision).await?, self.extras(revision).await?))
    }

    fn runtime(&self) -> SharedRuntime {
        self.runtime().clone()
    }
}
