//! What to do about an error: the library's advice in the words of the command line, and that of the commands.

use bastion_sdk::{remedy as sdk, spec::RepositorySpec};

use crate::{args::Global, error::CliError, exit::Exit};

/// One line of advice, where there is any.
pub(crate) fn remedy(error: &CliError, global: &Global) -> Option<String> {
    let advice = match error {
        CliError::Sdk(e) => {
            let repository = RepositorySpec::new(global.repo.clone().unwrap_or_default());
            sdk::remedy(e, &repository, &|key| global.spelling(key))
        }
        CliError::NothingMatched { hint, .. } => Some(hint.clone()),
        CliError::Damaged { .. } => Some(
            "copy the repository before anything else; all other objects can still be read, and `bastion backup` \
             saves again what the cluster still has"
                .to_owned(),
        ),
        CliError::Usage(_) | CliError::Output(_) | CliError::Render { .. } => None,
    };
    let usage = || "see `bastion help`, and `--help` of each command for examples".to_owned();
    advice.or_else(|| (Exit::of(error) == Exit::Usage).then(usage))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use bastion_sdk::{
        Missing,
        core::{
            Category, Error,
            source::SourceError,
            store::{Key, StoreError},
        },
        spec::SpecError,
    };

    use super::*;
    use crate::error::chain;

    fn sample() -> Vec<CliError> {
        let cause = || -> bastion_sdk::core::error::Cause { "connection refused (os error 111)".into() };
        let source = |what: &str, category| SourceError::new(category, what).caused_by(Some(cause())).into();
        vec![
            Error::NoRepository.into(),
            Error::RepositoryExists { id: "6f9a".into() }.into(),
            Error::UnknownCluster { cluster: "prod".into(), known: vec!["lab".into()] }.into(),
            Error::UnknownCluster { cluster: "prod".into(), known: vec![] }.into(),
            Error::WrongCluster { name: "prod".into(), logged: "11".into(), actual: "22".into() }.into(),
            Error::Fenced { role: "controller".into(), ours: 3, theirs: 4 }.into(),
            Error::UnknownFeature { key: Key::from_segments(["bastion.json"]), features: vec!["encryption".into()] }
                .into(),
            StoreError::NoSuchPlace { place: "bucket backups".into(), source: None }.into(),
            StoreError::Denied { key: "bastion.json".into(), source: "InvalidAccessKeyId".into() }.into(),
            StoreError::Unavailable { key: "bastion.json".into(), source: cause() }.into(),
            StoreError::Full { key: "a".into(), source: "No space left on device".into() }.into(),
            source("cannot list secrets", Category::Denied),
            source("cannot reach the cluster at https://10.0.0.1", Category::Unavailable),
            Error::Cancelled.into(),
            bastion_sdk::Error::AmbiguousCluster { known: vec!["lab".into(), "prod".into()] }.into(),
            bastion_sdk::Error::UnnamedCluster.into(),
            bastion_sdk::Error::ContextNameTaken { uid: "22".into(), name: "prod".into(), logged: "11".into() }.into(),
            bastion_sdk::Error::NothingToAdopt { uid: "11".into(), known: "prod".into() }.into(),
            bastion_sdk::Error::UnknownLog { name: "prd".into(), known: vec!["prod".into()] }.into(),
            bastion_sdk::Error::UnknownLog { name: "prod".into(), known: vec![] }.into(),
            bastion_sdk::Error::OtherName { uid: "11".into(), known: "prod".into(), asked: "prd".into() }.into(),
            bastion_sdk::Error::NothingMatched { what: Missing::Clusters }.into(),
            bastion_sdk::Error::NothingMatched { what: Missing::Kind { word: "cmp".into(), nearest: None } }.into(),
            bastion_sdk::Error::NothingMatched { what: Missing::Deletions { cluster: "prod".into() } }.into(),
            SpecError::new("selection.policy", "it is empty").spelled(&crate::args::flag).into(),
            CliError::Usage("say what to restore".into()),
            CliError::NothingMatched { what: "no object is annotated".into(), hint: "take --all".into() },
            CliError::Damaged { problems: 2 },
            std::io::Error::from(std::io::ErrorKind::BrokenPipe).into(),
        ]
    }

    #[test]
    fn every_error_has_its_code_its_chain_and_its_remedy() {
        let global = Global { repo: Some("s3://backups".to_owned()), ..Global::default() };
        let mut text = String::new();
        for error in sample() {
            let code = Exit::of(&error) as u8;
            _ = writeln!(text, "[{code}] {}", chain(&error));
            if let Some(remedy) = remedy(&error, &global) {
                _ = writeln!(text, "    {remedy}");
            }
        }
        insta::assert_snapshot!(text);
    }
}
