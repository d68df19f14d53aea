//! What to do about an error: the only place with advice.

use bastion_core::{Category, Error, source::SourceError, store::StoreError};

use crate::error::CliError;

/// One line of advice, where there is any.
pub(crate) fn remedy(error: &CliError) -> Option<String> {
    match error {
        CliError::Core(e) => core(e),
        CliError::Kubernetes(e) => cluster(e.category(), "get, list and watch"),
        CliError::NothingMatched { hint, .. } => Some(hint.clone()),
        CliError::Damaged { .. } => Some(
            "copy the repository before anything else; every other object can still be read, and a new `bastion \
             backup` writes again what the cluster still has"
                .to_owned(),
        ),
        CliError::Usage(_) => Some("see `bastion help`, and `--help` of each command for examples".to_owned()),
        CliError::Output(_) | CliError::Render { .. } => None,
    }
}

fn core(error: &Error) -> Option<String> {
    Some(match error {
        Error::Store(e) => return store(e),
        Error::Source(SourceError { category, .. }) => return cluster(*category, "get, list and watch"),
        Error::Sink(e) => return cluster(e.category, "get, create and patch"),
        Error::NoRepository => "check --repo or BASTION_REPO, or create the repository with `bastion init`".to_owned(),
        Error::RepositoryExists { .. } => "use it as it is, or give another place with --repo".to_owned(),
        Error::UnknownFeature { .. } => "use a newer bastion; nothing was written".to_owned(),
        Error::UnknownCluster { known, .. } if known.is_empty() => {
            "nothing was backed up yet: run `bastion backup` first".to_owned()
        }
        Error::UnknownCluster { .. } => "give one of these names with --cluster".to_owned(),
        Error::WrongCluster { name, .. } => format!(
            "nothing was written; check --context, or start a log of its own for this cluster with another --cluster \
             name than {name:?}"
        ),
        Error::Fenced { .. } => "only one of a role writes at a time; `bastion status` shows who does".to_owned(),
        Error::Corrupt { .. } => "run `bastion verify`: it names every damaged file".to_owned(),
        _ => return None,
    })
}

fn store(error: &StoreError) -> Option<String> {
    Some(match error {
        StoreError::NoSuchPlace { .. } => "create the folder or bucket first, or check --repo".to_owned(),
        StoreError::Denied { .. } => {
            "check the credentials (AWS_ACCESS_KEY_ID, AWS_PROFILE, the pod's role; for a folder its owner), and that \
             they may list the bucket and get and put objects in it"
                .to_owned()
        }
        StoreError::Unavailable { .. } | StoreError::Throttled { .. } => {
            "check that the storage can be reached from here (endpoint in --repo, proxy, certificate), then run this again"
                .to_owned()
        }
        StoreError::OutcomeUnknown { .. } => {
            "run this again: what was written already is recognized and not written twice".to_owned()
        }
        StoreError::Full { .. } => "make room, then run this again".to_owned(),
        StoreError::Corrupt { .. } => "run `bastion verify`: it names every damaged file".to_owned(),
        _ => return None,
    })
}

fn cluster(category: Category, verbs: &str) -> Option<String> {
    Some(match category {
        Category::Denied => {
            format!(
                "the account needs {verbs} on these resources: ask `kubectl auth can-i --list`, or take another --context"
            )
        }
        Category::Unavailable => "check --kubeconfig and --context with `kubectl cluster-info`".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::{error::chain, exit::Exit};

    fn sample() -> Vec<CliError> {
        let cause = || "connection refused (os error 111)".into();
        let source = |what: &str, category| {
            CliError::Core(SourceError { what: what.to_owned(), category, source: Some(cause()) }.into())
        };
        vec![
            Error::NoRepository.into(),
            Error::RepositoryExists { id: "6f9a".into() }.into(),
            Error::UnknownCluster { cluster: "prod".into(), known: vec!["lab".into()] }.into(),
            Error::UnknownCluster { cluster: "prod".into(), known: vec![] }.into(),
            Error::WrongCluster { name: "prod".into(), logged: "11".into(), actual: "22".into() }.into(),
            Error::Fenced { role: "controller".into(), ours: 3, theirs: 4 }.into(),
            Error::UnknownFeature {
                key: bastion_core::store::Key::from_segments(["bastion.json"]),
                features: vec!["encryption".into()],
            }
            .into(),
            StoreError::NoSuchPlace { place: "bucket backups".into(), source: None }.into(),
            StoreError::Denied { key: "bastion.json".into(), source: "InvalidAccessKeyId".into() }.into(),
            StoreError::Unavailable { key: "bastion.json".into(), source: cause() }.into(),
            StoreError::Full { key: "a".into(), source: "No space left on device".into() }.into(),
            source("cannot list secrets", Category::Denied),
            source("cannot reach the cluster at https://10.0.0.1", Category::Unavailable),
            Error::Cancelled.into(),
            CliError::Usage("say what to restore".into()),
            CliError::NothingMatched { what: "no object is annotated".into(), hint: "take --all".into() },
            CliError::Damaged { problems: 2 },
            std::io::Error::from(std::io::ErrorKind::BrokenPipe).into(),
        ]
    }

    #[test]
    fn every_error_has_its_code_its_chain_and_its_remedy() {
        let mut text = String::new();
        for error in sample() {
            let code = Exit::of(&error) as u8;
            _ = writeln!(text, "[{code}] {}", chain(&error));
            if let Some(remedy) = remedy(&error) {
                _ = writeln!(text, "    {remedy}");
            }
        }
        insta::assert_snapshot!(text);
    }
}
