//! From the configuration to the options of the libraries.

use std::{str::FromStr, sync::Arc};

use bastion_core::{
    engine::EngineOptions,
    error::chain,
    manifest::Path,
    object::GroupKind,
    pipeline::{Brake, Workers},
    runtime::{Runtime as _, TokioRuntime},
    sanitize::Rules,
    select::{KindWord, Selection, SelectionError},
};
use bastion_k8s::{ConnectOptions, LeaseOptions};
use bastion_storage::Place;

use super::{Config, ConfigError, ModeConfig};

/// Where a pod finds the namespace that it runs in.
const POD_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Who a process is that no pod names: another one than any before it or beside it, since whoever comes with
/// the holder's name has the Lease at once. (A container's process id is always 1.)
fn of_process(host: Option<&str>, random: u64) -> String {
    format!("{}_{random:016x}", host.unwrap_or("bastion-controller"))
}

fn wrong_selection(error: SelectionError) -> ConfigError {
    ConfigError::Invalid(format!("selection: {error}"))
}

impl Config {
    /// Checks what serde cannot.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        bastion_storage::place(&self.repo).map_err(|e| ConfigError::Invalid(format!("repo: {}", chain(&e))))?;
        self.selection()?.check().map_err(wrong_selection)?;
        self.log.filter()?;
        self.sanitizer()?;
        let leader = &self.leader;
        if leader.renew_deadline.0 >= leader.duration.0 || leader.retry.0 >= leader.renew_deadline.0 {
            return Err(ConfigError::Invalid(
                "leader.retry must be below leader.renewDeadline, and that below leader.duration".to_owned(),
            ));
        }
        if self.engine.workers.is_some_and(|w| w.floor == 0 || w.floor > w.ceiling) {
            return Err(ConfigError::Invalid("engine.workers.floor must be between 1 and the ceiling".to_owned()));
        }
        if self.engine.brake.is_some_and(|b| !(0.0..=1.0).contains(&b.share)) {
            return Err(ConfigError::Invalid("engine.brake.share must be between 0 and 1".to_owned()));
        }
        Ok(())
    }

    /// What to take.
    pub(crate) fn selection(&self) -> Result<Selection, ConfigError> {
        let s = &self.selection;
        let words = |texts: &[String]| texts.iter().map(|text| text.parse::<KindWord>()).collect::<Result<_, _>>();
        let labels = s.labels.as_deref().filter(|text| !text.is_empty());
        let narrowed = !s.kinds.is_empty() || !s.namespaces.is_empty() || s.labels.is_some();
        let mut selection = match s.mode {
            // As on the command line: who names kinds, namespaces or labels means all of them.
            ModeConfig::Annotated if !narrowed => Selection::default(),
            _ => Selection::all(),
        };
        selection.kinds = words(&s.kinds).map_err(wrong_selection)?;
        selection.exclude_kinds = words(&s.exclude_kinds).map_err(wrong_selection)?;
        selection.namespaces.extend(s.namespaces.iter().cloned());
        selection.exclude_namespaces.extend(s.exclude_namespaces.iter().cloned());
        selection.labels = labels.map(str::parse).transpose().map_err(wrong_selection)?;
        selection.plaintext_secrets = s.plaintext_secrets;
        selection.policy.clone_from(&s.policy);
        Ok(selection)
    }

    /// What of an object is content.
    pub(crate) fn sanitizer(&self) -> Result<Rules, ConfigError> {
        let mut rules = Rules::backup();
        for rule in &self.rules {
            let kind = match rule.kind.split_once('.') {
                Some((kind, group)) => GroupKind::new(group, kind),
                None => GroupKind::new("", rule.kind.as_str()),
            };
            for path in &rule.drop {
                let wrong = |e: &dyn std::fmt::Display| ConfigError::Invalid(format!("rules: {}: {e}", rule.kind));
                let path = Path::from_str(path).map_err(|e| wrong(&e))?;
                rules = rules.drop_path(kind.clone(), path).map_err(|e| wrong(&e))?;
            }
            if rule.keep_status {
                rules = rules.keep_status(kind);
            }
        }
        Ok(rules)
    }

    /// The engine's bounds.
    pub(crate) fn engine_options(&self) -> Result<EngineOptions, ConfigError> {
        let e = &self.engine;
        let mut options = EngineOptions::default().sanitizer(Arc::new(self.sanitizer()?));
        if let Some(length) = e.commit_interval {
            options = options.commit_interval(length.0);
        }
        if let Some(length) = e.position_interval {
            options = options.position_interval(length.0);
        }
        if let Some(length) = e.compare_interval {
            options = options.compare_interval(length.0);
        }
        if let Some(length) = e.flush_deadline {
            options = options.flush_deadline(length.0);
        }
        if let Some(w) = e.workers {
            options = options.workers(Workers::between(w.floor, w.ceiling));
        }
        if let Some(n) = e.queue_objects {
            options = options.queue_objects(n);
        }
        if let Some(n) = e.queue_bytes {
            options = options.queue_bytes(n);
        }
        if let Some(n) = e.batch_bytes {
            options = options.batch_bytes(n);
        }
        if let Some(b) = e.brake {
            options = options.brake(Brake::new(b.share, b.count));
        }
        Ok(options)
    }

    /// How to reach the cluster.
    pub(crate) fn connect_options(&self) -> ConnectOptions {
        ConnectOptions {
            kubeconfig: self.kubernetes.kubeconfig.clone(),
            context: self.kubernetes.context.clone(),
            qps: self.kubernetes.qps,
            ..ConnectOptions::default()
        }
    }

    /// Which Lease, and who we are.
    pub(crate) fn lease_options(&self) -> LeaseOptions {
        let leader = &self.leader;
        let namespace = leader
            .namespace
            .clone()
            .or_else(|| std::env::var("POD_NAMESPACE").ok())
            .or_else(|| std::fs::read_to_string(POD_NAMESPACE).ok().map(|n| n.trim().to_owned()))
            .unwrap_or_else(|| "bastion".to_owned());
        let identity = leader
            .identity
            .clone()
            .or_else(|| std::env::var("POD_NAME").ok())
            .unwrap_or_else(|| of_process(std::env::var("HOSTNAME").ok().as_deref(), TokioRuntime::new().random()));
        LeaseOptions {
            duration: leader.duration.0,
            renew_deadline: leader.renew_deadline.0,
            retry: leader.retry.0,
            ..LeaseOptions::new(namespace, leader.name.clone(), identity)
        }
    }

    /// Whether to keep the view of plain files.
    pub(crate) fn keeps_tree(&self) -> bool {
        self.tree.unwrap_or_else(|| matches!(bastion_storage::place(&self.repo), Ok(Place::Folder)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_of_one_machine_differ() {
        assert_eq!(of_process(Some("node-1"), 0xc0_ffee), "node-1_0000000000c0ffee");
        let other = || of_process(None, TokioRuntime::new().random());
        assert_ne!(other(), other());
    }
}
