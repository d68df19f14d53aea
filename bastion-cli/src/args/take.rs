//! What to take from the cluster: shared by `backup` and `watch`.

use bastion_sdk::spec::{BackupSpec, KindWord, LabelSelector, Mode, RepositorySpec, RuleSpec, Selection, SpecError};
use clap::Args;

use super::flag;
use crate::error::Result;

/// What to take.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Selection")]
pub(crate) struct TakeArgs {
    /// Everything except Secrets and kinds that change all the time by themselves (Leases, Events, Endpoints)
    #[arg(long, conflicts_with_all = ["kinds", "namespaces", "selector"])]
    pub(crate) all: bool,
    /// Only these kinds: deployments, cm, Certificate.cert-manager.io
    #[arg(long, short = 'k', value_name = "KIND", value_delimiter = ',')]
    pub(crate) kinds: Vec<KindWord>,
    /// Only objects in these namespaces
    #[arg(long = "namespace", short = 'n', value_name = "NAMESPACE", value_delimiter = ',')]
    pub(crate) namespaces: Vec<String>,
    /// All kinds except these
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(crate) exclude_kinds: Vec<KindWord>,
    /// All namespaces except these and the objects in them
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',')]
    pub(crate) exclude_namespaces: Vec<String>,
    /// Only objects with these labels: app=web,tier!=cache
    #[arg(long, short = 'l', value_name = "LABELS")]
    pub(crate) selector: Option<LabelSelector>,
    /// Name of this selection in the log [default: annotated, all, or sel- plus a hash of the selection]
    #[arg(long, value_name = "NAME")]
    pub(crate) policy: Option<String>,
    /// Also save Secrets, unencrypted: anyone who can read the repository can read them
    #[arg(long)]
    pub(crate) plaintext_secrets: bool,
    #[command(flatten)]
    pub(crate) content: ContentArgs,
    /// Store the status of this kind alongside its content: Certificate.cert-manager.io
    #[arg(long, value_name = "KIND", value_parser = kept_status)]
    pub(crate) keep_status: Vec<RuleSpec>,
}

impl TakeArgs {
    /// What to back up. Errors name the flags.
    pub(crate) fn spec(&self) -> Result<BackupSpec> {
        let mut spec = BackupSpec::select(self.selection());
        spec.rules = self.content.drop.iter().chain(&self.keep_status).cloned().collect();
        spec.validate_as(&flag)?;
        Ok(spec)
    }

    fn selection(&self) -> Selection {
        let narrowed = !self.kinds.is_empty() || !self.namespaces.is_empty() || self.selector.is_some();
        let mut selection = if self.all || narrowed { Selection::all() } else { Selection::default() };
        selection.kinds.extend(self.kinds.iter().cloned());
        selection.exclude_kinds.extend(self.exclude_kinds.iter().cloned());
        selection.namespaces.extend(self.namespaces.iter().cloned());
        selection.exclude_namespaces.extend(self.exclude_namespaces.iter().cloned());
        selection.labels.clone_from(&self.selector);
        selection.plaintext_secrets = self.plaintext_secrets;
        selection.policy.clone_from(&self.policy);
        selection
    }

    /// What to try where nothing was selected.
    pub(crate) fn hint(&self) -> String {
        match self.selection().mode {
            Mode::Annotated => {
                "annotate what you want to save (`kubectl annotate namespace shop backup/enabled=true`), \
                                or save everything with --all"
                    .to_owned()
            }
            Mode::All => {
                "check the same kinds, namespaces and labels with `kubectl get`, or save everything with --all"
                    .to_owned()
            }
        }
    }
}

/// What of an object is content; shared with `diff`, which cleans an object as a backup does.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ContentArgs {
    /// Ignore a path in objects of this kind: Deployment.apps:spec.replicas
    #[arg(long, value_name = "KIND:PATH", value_parser = dropped)]
    pub(crate) drop: Vec<RuleSpec>,
}

/// A rule whose flag clap names, should it be wrong.
fn checked(rule: RuleSpec) -> Result<RuleSpec, String> {
    match RuleSpec::rules(std::slice::from_ref(&rule)) {
        Ok(_) => Ok(rule),
        Err(SpecError::Value { why, .. }) => Err(why),
        Err(e) => Err(e.to_string()),
    }
}

fn kept_status(kind: &str) -> Result<RuleSpec, String> {
    checked(RuleSpec::new(kind).keep_status())
}

fn dropped(text: &str) -> Result<RuleSpec, String> {
    let (kind, path) = text.split_once(':').ok_or("write KIND:PATH, for example Deployment.apps:spec.replicas")?;
    checked(RuleSpec::new(kind).drop_path(path))
}

/// The tail of the long help of `backup` and `watch`; a macro, for `concat!` takes literals only.
macro_rules! what_is_taken {
    () => {
        "\
What is selected:
  By default, objects with the annotation `backup/enabled: \"true\"`, and all objects in a namespace with
  that annotation, except those that say \"false\" themselves.
  With any of --all, --kinds, -n and -l, every object that matches, annotated or not."
    };
}
pub(crate) use what_is_taken;

/// Whether to keep the view of plain files.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Views")]
pub(crate) struct TreeArgs {
    /// Keep tree/, the latest state of each object as a YAML file [default in folders]
    #[arg(long, overrides_with = "no_tree")]
    tree: bool,
    /// Do not keep tree/ [default in S3, where it costs two requests per object]
    #[arg(long, overrides_with = "tree")]
    no_tree: bool,
}

impl TreeArgs {
    /// The repository, with what is said of its views.
    pub(crate) fn of(self, repository: RepositorySpec) -> RepositorySpec {
        if self.tree || self.no_tree { repository.tree(self.tree) } else { repository }
    }
}
