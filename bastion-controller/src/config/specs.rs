//! From the configuration to the specs of the library.

use bastion_sdk::{
    core::error::chain,
    k8s::LeaseOptions,
    process::{LogFilter, pod_identity, pod_namespace},
    spec::{BackupSpec, ClusterSpec, Mode, RepositorySpec, SpecError},
};

use super::schema::{Config, LeaderConfig};

/// The role of the controller's writers in the log: of one role, only the newest may write.
const ROLE: &str = "controller";

impl Config {
    /// Checks what serde cannot.
    pub(super) fn validate(&self) -> Result<(), SpecError> {
        self.backup_spec().validate()?;
        self.repository_spec().validate()?;
        self.cluster_spec().validate()?;
        self.log_filter()?;
        self.leader.validate()
    }

    /// Which repository.
    pub(crate) fn repository_spec(&self) -> RepositorySpec {
        let mut spec = RepositorySpec::new(&self.repo).create(self.create_repository);
        spec.tree = self.tree;
        spec
    }

    /// Which cluster.
    pub(crate) fn cluster_spec(&self) -> ClusterSpec {
        let mut spec = ClusterSpec::default();
        spec.name.clone_from(&self.cluster);
        spec.kubeconfig.clone_from(&self.kubernetes.kubeconfig);
        spec.context.clone_from(&self.kubernetes.context);
        spec.qps = self.kubernetes.qps;
        spec
    }

    /// What of it is backed up, and how.
    pub(crate) fn backup_spec(&self) -> BackupSpec {
        let mut selection = self.selection.clone();
        // As on the command line: who names kinds, namespaces or labels means all of them.
        if !selection.kinds.is_empty() || !selection.namespaces.is_empty() || selection.labels.is_some() {
            selection.mode = Mode::All;
        }
        let mut spec = BackupSpec::select(selection).role(ROLE).engine(self.engine.clone());
        spec.rules.clone_from(&self.rules);
        spec
    }

    /// Which Lease, and who we are. What is not set is the pod's.
    pub(crate) fn lease_options(&self) -> LeaseOptions {
        let leader = &self.leader;
        let namespace = leader.namespace.clone().or_else(pod_namespace).unwrap_or_else(|| "bastion".to_owned());
        let identity = leader.identity.clone().unwrap_or_else(|| pod_identity("bastion-controller"));
        LeaseOptions::new(namespace, leader.name.clone(), identity)
            .duration(leader.duration)
            .renew_deadline(leader.renew_deadline)
            .retry(leader.retry)
    }

    /// Which log lines.
    pub(crate) fn log_filter(&self) -> Result<LogFilter, SpecError> {
        self.log.filter.parse().map_err(|e| SpecError::new("log.filter", chain(&e)))
    }
}

impl LeaderConfig {
    fn validate(&self) -> Result<(), SpecError> {
        if self.renew_deadline >= self.duration || self.retry >= self.renew_deadline {
            let why = "it must be below leader.renewDeadline, and that below leader.duration";
            return Err(SpecError::new("leader.retry", why));
        }
        Ok(())
    }
}
