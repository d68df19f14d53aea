//! What to do about an error: the only place with advice.

use bastion_core::{Category, Error as CoreError, select::SelectionError, source::SourceError, store::StoreError};

use crate::{
    error::Error,
    missing::Missing,
    spec::{RepositorySpec, SpecError, Spelling},
};

/// One line of advice for a person, if there is any.
///
/// `repository` is the one that was used. `spelling` says how the keys of specs are written in your program: advice
/// for the key `repository.url` may read "check --repo".
///
/// ```
/// use bastion_sdk::{core, remedy::remedy, spec::RepositorySpec};
///
/// let error = core::Error::NoRepository.into();
/// let advice = remedy(&error, &RepositorySpec::new("file:///backups"), &str::to_owned);
/// assert_eq!(advice.as_deref(), Some("check repository.url, or create the repository with `bastion init`"));
/// ```
pub fn remedy(error: &Error, repository: &RepositorySpec, spelling: Spelling<'_>) -> Option<String> {
    Advice { repository, key: spelling }.on(error)
}

struct Advice<'a> {
    repository: &'a RepositorySpec,
    key: Spelling<'a>,
}

impl Advice<'_> {
    fn on(&self, error: &Error) -> Option<String> {
        Some(match error {
            Error::Core(e) => return self.core(e),
            #[cfg(feature = "k8s")]
            Error::Kubernetes(bastion_k8s::Error::Config { .. }) => {
                format!("check {}, KUBECONFIG and {}", self.key("cluster.kubeconfig"), self.key("cluster.context"))
            }
            #[cfg(feature = "k8s")]
            Error::Kubernetes(e) => return self.cluster(e.category(), "get, list and watch"),
            Error::Spec(e) => return spec(e),
            Error::AmbiguousCluster { .. } => format!("choose one of them with {}", self.key("cluster.name")),
            Error::UnnamedCluster => format!("give it a name with {}", self.key("cluster.name")),
            Error::OtherName { known, .. } => {
                format!("leave {} out, or set it to {known:?}", self.key("cluster.name"))
            }
            Error::ContextNameTaken { name, .. } => format!(
                "give this cluster a name of its own with {}; if it replaces the other one, let it take over the log with \
                 `bastion adopt {name}`",
                self.key("cluster.name")
            ),
            Error::NothingToAdopt { known, .. } => format!("back it up as it is: it stays {known:?}"),
            Error::UnknownLog { known, .. } if known.is_empty() => {
                "run `bastion backup`: nothing was backed up yet".to_owned()
            }
            Error::UnknownLog { .. } => "give one of these names".to_owned(),
            Error::AmbiguousObject { .. } => {
                format!("add {}, or the group of the kind", self.key("objects.namespace"))
            }
            Error::NothingMatched { what } => missing(what),
            #[cfg(feature = "process")]
            Error::Process(_) => return None,
            Error::Unreadable { .. } => return None,
        })
    }

    fn key(&self, key: &str) -> String {
        (self.key)(key)
    }

    fn core(&self, error: &CoreError) -> Option<String> {
        let repo = self.key("repository.url");
        Some(match error {
            CoreError::Store(e) => return self.store(e),
            CoreError::Source(SourceError { category, .. }) => return self.cluster(*category, "get, list and watch"),
            CoreError::Sink(e) => return self.cluster(e.category, "get, create and patch"),
            CoreError::NoRepository => format!("check {repo}, or create the repository with `bastion init`"),
            CoreError::RepositoryExists { .. } => format!("use it as it is, or choose another place with {repo}"),
            CoreError::UnknownFeature { .. } => "use a newer bastion; nothing was written".to_owned(),
            CoreError::UnknownCluster { known, .. } if known.is_empty() => {
                "nothing has been backed up yet: run `bastion backup` first".to_owned()
            }
            CoreError::UnknownCluster { .. } => format!("choose one of these names with {}", self.key("cluster.name")),
            CoreError::WrongCluster { name, .. } => format!(
                "nothing was written; check {}, or start a new log for this cluster under another {} name than \
                 {name:?}; if this cluster replaces the other one, let it take over the log with `bastion adopt {name}`",
                self.key("cluster.context"),
                self.key("cluster.name"),
            ),
            CoreError::Fenced { role, .. } => format!(
                "nothing is lost: the other {role} continues where this one stopped; to switch back, stop the other \
                 first"
            ),
            CoreError::Corrupt { key, .. } if key.to_string() == "bastion.json" => {
                "restore bastion.json from a copy of the repository: it is written once and never changes".to_owned()
            }
            CoreError::Corrupt { .. } => "run `bastion verify` to find every damaged file".to_owned(),
            _ => return None,
        })
    }

    fn store(&self, error: &StoreError) -> Option<String> {
        let (bucket, repo) = (self.repository.url.starts_with("s3:"), self.key("repository.url"));
        Some(match error {
            StoreError::NoSuchPlace { .. } if bucket => {
                format!("create the bucket, or check {repo}: name, endpoint, region")
            }
            StoreError::NoSuchPlace { .. } => format!(
                "`bastion init` creates the folder and the repository; if there was one, check {repo} and whether its volume is \
                 mounted"
            ),
            StoreError::Denied { .. } if !bucket => {
                "check the owner of the folder: this user must be able to read it, and to write it except for read-only commands"
                    .to_owned()
            }
            StoreError::Denied { .. } => {
                "check the credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, the pod's role), and \
                 that they may list the bucket and get and put objects"
                    .to_owned()
            }
            StoreError::Unavailable { .. } | StoreError::Throttled { .. } => format!(
                "check that {} can be reached from here (endpoint, proxy, certificate), then run this again",
                self.repository.url
            ),
            StoreError::OutcomeUnknown { .. } => {
                "run this again: what was already written is recognized and not written twice".to_owned()
            }
            StoreError::Full { .. } => "free some space, then run this again".to_owned(),
            StoreError::Corrupt { .. } => "run `bastion verify` to find every damaged file".to_owned(),
            _ => return None,
        })
    }

    fn cluster(&self, category: Category, verbs: &str) -> Option<String> {
        let (kubeconfig, context) = (self.key("cluster.kubeconfig"), self.key("cluster.context"));
        Some(match category {
            Category::Denied => format!(
                "the account needs {verbs} on these resources; `kubectl auth whoami` and `kubectl auth can-i --list` show \
                 who you are and what you may do; choose another account with {context}"
            ),
            Category::Unavailable => format!("check {kubeconfig} and {context} with `kubectl cluster-info`"),
            _ => return None,
        })
    }
}

fn missing(what: &Missing) -> String {
    match what {
        Missing::Clusters => "run `bastion backup` or `bastion watch` first".to_owned(),
        Missing::Object { object, .. } => format!("`bastion ls {} --deleted` lists what there is", object.kind),
        Missing::Kind { nearest: Some(kind), .. } => {
            format!("did you mean {}? `bastion ls` lists what is saved", kind.to_string().to_lowercase())
        }
        Missing::Kind { nearest: None, .. } => {
            "`bastion ls` lists what is saved, `bastion status -o yaml` the kinds that are followed".to_owned()
        }
        Missing::Revision { newest, .. } if newest.is_empty() => "`bastion history` lists its revisions".to_owned(),
        Missing::Revision { newest, .. } => {
            let newest: Vec<_> = newest.iter().map(ToString::to_string).collect();
            format!("its latest revisions are {}", newest.join(", "))
        }
        Missing::Deletions { .. } => "`bastion deletions ls` lists those that are".to_owned(),
    }
}

fn spec(error: &SpecError) -> Option<String> {
    match error {
        SpecError::Selection { error: SelectionError::SecretsInTheClear, .. } => {
            Some("there is no encryption yet: anyone who can read the repository could read them".to_owned())
        }
        _ => None,
    }
}
