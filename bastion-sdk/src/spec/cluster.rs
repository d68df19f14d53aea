//! Which cluster, and how to reach it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::SpecError;

/// A Kubernetes cluster: how to reach it, and what it is called in the repository.
///
/// The default is what kubectl would use: the current context of `KUBECONFIG` or `~/.kube/config`; without either,
/// the service account of the pod that the program runs in.
///
/// ```
/// use bastion_sdk::spec::ClusterSpec;
///
/// let spec = ClusterSpec::default().name("production").context("prod-admin").qps(20);
/// assert!(spec.validate().is_ok());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ClusterSpec {
    /// Its name in the repository. A cluster that the repository knows has one already; a new one is named after the
    /// context if nothing is said.
    pub name: Option<String>,
    /// Path of the kubeconfig.
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig; the current one if nothing is said.
    pub context: Option<String>,
    /// Use the pod's service account, whatever kubeconfig there is.
    pub in_cluster: bool,
    /// Act as another user. The account needs the right to impersonate it.
    pub impersonate: Option<Impersonation>,
    /// At most this many requests a second; if nothing is said the API server's own fairness decides.
    pub qps: Option<u32>,
}

/// The user to act as, like kubectl's `--as` and `--as-group`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Impersonation {
    /// Name of the user.
    pub user: String,
    /// Groups of the user.
    #[serde(default)]
    pub groups: Vec<String>,
}

impl Impersonation {
    /// This user.
    pub fn user(name: impl Into<String>) -> Self {
        Self { user: name.into(), groups: Vec::new() }
    }

    /// In this group, beside those that were named before.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.groups.push(name.into());
        self
    }
}

impl ClusterSpec {
    /// What the cluster is called in the repository.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Path of the kubeconfig.
    #[must_use]
    pub fn kubeconfig(mut self, path: impl Into<PathBuf>) -> Self {
        self.kubeconfig = Some(path.into());
        self
    }

    /// Context of the kubeconfig.
    #[must_use]
    pub fn context(mut self, name: impl Into<String>) -> Self {
        self.context = Some(name.into());
        self
    }

    /// Uses the pod's service account, whatever kubeconfig there is.
    #[must_use]
    pub fn in_cluster(mut self) -> Self {
        self.in_cluster = true;
        self
    }

    /// Acts as another user.
    #[must_use]
    pub fn impersonate(mut self, user: Impersonation) -> Self {
        self.impersonate = Some(user);
        self
    }

    /// At most this many requests a second.
    #[must_use]
    pub fn qps(mut self, requests: u32) -> Self {
        self.qps = Some(requests);
        self
    }

    /// Checks what can be checked without reaching the cluster.
    pub fn validate(&self) -> Result<(), SpecError> {
        let empty = |key| Err(SpecError::new(key, "it is empty"));
        if self.name.as_deref() == Some("") {
            return empty("cluster.name");
        }
        if self.context.as_deref() == Some("") {
            return empty("cluster.context");
        }
        if self.kubeconfig.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            return empty("cluster.kubeconfig");
        }
        if self.qps == Some(0) {
            return Err(SpecError::new("cluster.qps", "it must be at least 1; leave it out for no limit"));
        }
        if self.impersonate.as_ref().is_some_and(|i| i.user.is_empty()) {
            return empty("cluster.impersonate.user");
        }
        if self.in_cluster && (self.kubeconfig.is_some() || self.context.is_some()) {
            return Err(SpecError::new("cluster.inCluster", "a pod's own account needs no kubeconfig and no context"));
        }
        Ok(())
    }
}
