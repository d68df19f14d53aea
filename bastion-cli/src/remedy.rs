//! What to do about an error: the only place with advice.

use bastion_core::{Category, Error, select::SelectionError, source::SourceError, store::StoreError};
use bastion_k8s::Error as Kubernetes;

use crate::error::CliError;

/// One line of advice, where there is any. `repo` is the repository's URL, as it was given.
pub(crate) fn remedy(error: &CliError, repo: &str) -> Option<String> {
    match error {
        CliError::Core(e) => core(e, repo),
        CliError::Kubernetes(Kubernetes::Config { .. }) => {
            Some("check --kubeconfig, KUBECONFIG and --context".to_owned())
        }
        CliError::Kubernetes(Kubernetes::Selection(SelectionError::SecretsInTheClear { .. })) => {
            Some("there is no encryption yet: whoever reads the repository would read them".to_owned())
        }
        CliError::Kubernetes(e) => cluster(e.category(), "get, list and watch"),
        CliError::NothingMatched { hint, .. } => Some(hint.clone()),
        CliError::Damaged { .. } => Some(
            "copy the repository before anything else; every other object can still be read, and a new `bastion \
             backup` writes again what the cluster still has"
                .to_owned(),
        ),
        CliError::Usage(_) => Some("see `bastion help`, and `--help` of each command for examples".to_owned()),
        CliError::Process(_) | CliError::Output(_) | CliError::Render { .. } => None,
    }
}

fn core(error: &Error, repo: &str) -> Option<String> {
    Some(match error {
        Error::Store(e) => return store(e, repo),
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
        Error::Fenced { role, .. } => format!(
            "nothing is lost: the other {role} goes on where this one stopped; to have this one back, stop the other \
             first"
        ),
        Error::Corrupt { key, .. } if key.to_string() == "bastion.json" => {
            "bring bastion.json back from a copy of the repository: it is written once and never changes".to_owned()
        }
        Error::Corrupt { .. } => "run `bastion verify`: it names every damaged file".to_owned(),
        _ => return None,
    })
}

fn store(error: &StoreError, repo: &str) -> Option<String> {
    let bucket = repo.starts_with("s3:");
    Some(match error {
        StoreError::NoSuchPlace { .. } if bucket => {
            "create the bucket, or check --repo: name, endpoint, region".to_owned()
        }
        StoreError::NoSuchPlace { .. } => {
            "`bastion init` makes folder and repository; if there was one, check --repo and whether its volume is mounted"
                .to_owned()
        }
        StoreError::Denied { .. } if !bucket => {
            "check who owns the folder: this program's user must read it, and write it except for reading commands"
                .to_owned()
        }
        StoreError::Denied { .. } => {
            "check the credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, the pod's role), and that \
             they may list the bucket and get and put objects in it"
                .to_owned()
        }
        StoreError::Unavailable { .. } | StoreError::Throttled { .. } => {
            format!("check that {repo} can be reached from here (endpoint, proxy, certificate), then run this again")
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
                "the account needs {verbs} on these resources; `kubectl auth whoami` and `kubectl auth can-i --list` say \
                 who it is and what it may do, --context takes another"
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
            if let Some(remedy) = remedy(&error, "s3://backups") {
                _ = writeln!(text, "    {remedy}");
            }
        }
        insta::assert_snapshot!(text);
    }
}
