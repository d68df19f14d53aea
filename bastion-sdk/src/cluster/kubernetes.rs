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
    let impersonate = spec.impersonate.clone().unwrap_or_default();
    let options = ConnectOptions {
        kubeconfig: spec.kubeconfig.clone(),
        context: spec.context.clone(),
        in_cluster: spec.in_cluster,
        impersonate: (!impersonate.user.is_empty()).then_some(impersonate.user),
        impersonate_groups: impersonate.groups,
        qps: spec.qps,
        ..ConnectOptions::default()
    };
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
