//! The cluster in memory, for examples and tests.

use std::sync::Arc;

use async_trait::async_trait;
use bastion_core::{memory::MemoryCluster, select::Selection, sink::Sink, source::Source};

use super::Cluster;
use crate::error::Result;

#[async_trait]
impl Cluster for MemoryCluster {
    async fn uid(&self) -> Result<String> {
        Ok(self.list().cluster_uid().await?)
    }

    async fn reach(&self) -> Result<()> {
        Ok(())
    }

    fn suggested_name(&self) -> Option<&str> {
        None
    }

    fn list(&self, selection: &Selection) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(MemoryCluster::list(self).select(selection.clone())))
    }

    fn watch(&self, selection: &Selection) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(MemoryCluster::watch(self).select(selection.clone())))
    }

    fn sink(&self) -> Arc<dyn Sink> {
        Arc::new(self.clone())
    }
}
