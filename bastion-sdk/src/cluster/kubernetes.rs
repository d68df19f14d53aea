//! Real clusters.

use std::sync::Arc;

use async_trait::async_trait;
use bastion_core::{select::Selection, sink::Sink, source::Source};
use bastion_k8s::{ApplySink, Client, ConnectOptions, ListSource, WatchSource};

use super::Cluster;
use crate::{error::Result, spec::ClusterSpec};

/// Prepares a connection to a cluster. Nothing is sent before the first request.
pub async fn connect(spec: &ClusterSpec) -> Result<Client> {
    spec.validate()?;
    let mut options = ConnectOptions::default().in_cluster(spec.in_cluster);
    options.kubeconfig.clone_from(&spec.kubeconfig);
    options.context.clone_from(&spec.context);
    options.qps = spec.qps;
    if let Some(as_user) = &spec.impersonate {
        options = options.impersonate(as_user.user.as_str(), as_user.groups.clone());
    }
    Ok(bastion_k8s::connect(&options).await?)
}

#[async_trait]
impl Cluster for Client {
    async fn uid(&self) -> Result<String> {
        Ok(self.cluster_uid().await?)
    }

    async fn reach(&self) -> Result<()> {
        Ok(Client::reach(self).await?)
    }

    fn suggested_name(&self) -> Option<&str> {
        self.context()
    }

    fn list(&self, selection: &Selection) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(ListSource::new(self.clone(), selection.clone())?))
    }

    fn watch(&self, selection: &Selection) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(WatchSource::new(self.clone(), selection.clone())?))
    }

    fn sink(&self) -> Arc<dyn Sink> {
        Arc::new(ApplySink::new(self.clone()))
    }
}
