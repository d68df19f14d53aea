use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use bastion_core::{select::Selection, sink::Sink, source::Source};

use crate::error::Result;

/// A cluster that can be read and written.
///
/// Implement it, with [`async_trait`](super::async_trait), for whatever holds objects and speaks no Kubernetes API: a folder
/// of manifests, a simulation. Methods that are added later have a default.
#[async_trait]
pub trait Cluster: Debug + Send + Sync + 'static {
    /// uid of its namespace kube-system. It tells clusters apart, whatever they are called.
    async fn uid(&self) -> Result<String>;

    /// Whether it answers and knows who asks. What may be done there is not asked.
    async fn reach(&self) -> Result<()>;

    /// What to call it in a repository that does not know it yet, if its connection has a name: a kubeconfig's context.
    fn suggested_name(&self) -> Option<&str>;

    /// Lists what is selected, once.
    fn list(&self, selection: &Selection) -> Result<Arc<dyn Source>>;

    /// Lists what is selected and follows every change of it.
    fn watch(&self, selection: &Selection) -> Result<Arc<dyn Source>>;

    /// Writes objects.
    fn sink(&self) -> Arc<dyn Sink>;
}
