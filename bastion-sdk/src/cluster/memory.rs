//! The cluster in memory, for examples and tests.

use std::sync::Arc;

use async_trait::async_trait;
use bastion_core::{
    memory::{MemoryCluster, MemorySource},
    select::{Mode, Selection},
    sink::Sink,
    source::Source,
};

use super::Cluster;
use crate::{error::Result, spec::SpecError};

#[async_trait]
impl Cluster for MemoryCluster {
    async fn uid(&self) -> Result<String> {
        Ok(self.list().cluster_uid().await?)
    }

    fn suggested_name(&self) -> Option<&str> {
        None
    }

    fn list(&self, selection: &Selection) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(select(MemoryCluster::list(self), selection)?))
    }

    fn watch(&self, selection: &Selection) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(select(MemoryCluster::watch(self), selection)?))
    }

    fn sink(&self) -> Arc<dyn Sink> {
        Arc::new(self.clone())
    }
}

/// A source in memory knows the two modes and no filter.
fn select(source: MemorySource, selection: &Selection) -> Result<MemorySource> {
    let mut unfiltered = Selection::default();
    unfiltered.mode = selection.mode;
    unfiltered.plaintext_secrets = selection.plaintext_secrets;
    unfiltered.policy.clone_from(&selection.policy);
    if *selection != unfiltered {
        return Err(SpecError::new("selection", "a cluster in memory takes everything or what is annotated").into());
    }
    let source = source.policy(&selection.policy_name());
    Ok(match selection.mode {
        Mode::Annotated => source.annotated(),
        _ => source,
    })
}
