//! Which stored objects: kubectl's `TYPE NAME`, `TYPE/NAME`, `-n`, `-A`, `-l`.

use bastion_sdk::spec::{KindWord, LabelSelector, ObjectWord, ObjectsSpec};
use clap::Args;

use crate::error::{CliError, Result};

/// In which namespaces to look.
#[derive(Debug, Clone, Default, Args)]
struct NamespaceArgs {
    /// Namespace to look in
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: Option<String>,
}

/// Any number of objects.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ObjectArgs {
    /// Kinds and names
    #[arg(help = "TYPE[,TYPE] [NAME…] or TYPE/NAME…", value_name = "OBJECT", add = crate::kinds::completer())]
    pub(crate) objects: Vec<String>,
    /// Namespace to look in
    #[arg(long, short, value_name = "NAMESPACE", conflicts_with = "all_namespaces")]
    pub(crate) namespace: Option<String>,
    /// In all namespaces, including cluster-scoped objects
    #[arg(long, short = 'A')]
    pub(crate) all_namespaces: bool,
    /// Only with these labels: app=web,tier!=cache,env in (a,b)
    #[arg(long, short = 'l', value_name = "LABELS")]
    pub(crate) selector: Option<LabelSelector>,
}

/// Exactly one object.
#[derive(Debug, Clone, Args)]
pub(crate) struct OneObject {
    /// TYPE NAME or TYPE/NAME
    #[arg(value_name = "OBJECT", required = true, num_args = 1..=2, add = crate::kinds::completer())]
    object: Vec<String>,
    #[command(flatten)]
    place: NamespaceArgs,
}

impl ObjectArgs {
    /// Whether anything is said, if only "everything".
    pub(crate) fn say_something(&self) -> bool {
        self.all_namespaces || self.namespace.is_some() || self.selector.is_some() || !self.objects.is_empty()
    }

    /// Which objects are meant.
    pub(crate) fn spec(&self) -> Result<ObjectsSpec> {
        let mut spec = parse(&self.objects)?;
        spec.namespace.clone_from(&self.namespace);
        spec.labels.clone_from(&self.selector);
        Ok(spec)
    }
}

impl OneObject {
    /// In which namespace; in any if nothing is said.
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.place.namespace.as_deref()
    }

    /// Kind and name.
    pub(crate) fn word(&self) -> Result<ObjectWord> {
        let mut named = parse(&self.object)?.objects;
        match (named.pop(), named.is_empty()) {
            (Some(object), true) => Ok(object),
            _ => Err(CliError::Usage(format!(
                "{:?} is not one object; write TYPE NAME or TYPE/NAME, for example deployment/web",
                self.object.join(" ")
            ))),
        }
    }
}

fn kind_word(text: &str) -> Result<KindWord> {
    text.parse().map_err(|e| CliError::Usage(format!("{e}")))
}

/// Reads the positional arguments as kubectl does.
fn parse(words: &[String]) -> Result<ObjectsSpec> {
    let mut spec = ObjectsSpec::default();
    let Some((first, names)) = words.split_first() else { return Ok(spec) };
    if words.iter().any(|w| w.contains('/')) {
        for word in words {
            let Some((kind, name)) = word.split_once('/').filter(|(_, n)| !n.is_empty() && !n.contains('/')) else {
                return Err(CliError::Usage(format!("{word:?} is not TYPE/NAME; either all objects are, or none")));
            };
            spec.objects.push(ObjectWord::new(kind_word(kind)?, name));
        }
        return Ok(spec);
    }
    let kinds = first.split(',').map(kind_word).collect::<Result<Vec<_>>>()?;
    if names.is_empty() {
        spec.kinds = kinds;
        return Ok(spec);
    }
    for name in names {
        spec.objects.extend(kinds.iter().map(|kind| ObjectWord::new(kind.clone(), name.as_str())));
    }
    Ok(spec)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(words: &[&str]) -> String {
        match parse(&words.iter().map(ToString::to_string).collect::<Vec<_>>()) {
            Ok(spec) if spec.is_everything() => "all".to_owned(),
            Ok(spec) if !spec.kinds.is_empty() => {
                spec.kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            }
            Ok(spec) => spec.objects.iter().map(|o| format!("{}|{}", o.kind, o.name)).collect::<Vec<_>>().join(" "),
            Err(e) => format!("error: {e}"),
        }
    }

    #[test]
    fn objects_are_named_as_for_kubectl() {
        assert_eq!(read(&[]), "all");
        assert_eq!(read(&["deploy,svc"]), "deploy svc");
        assert_eq!(read(&["deploy", "web", "api"]), "deploy|web deploy|api");
        assert_eq!(read(&["deploy/web", "cm/prices"]), "deploy|web cm|prices");
        assert_eq!(read(&["clusterrole/system:node"]), "clusterrole|system:node");
        assert_eq!(read(&["certificates.cert-manager.io", "a"]), "certificates.cert-manager.io|a");
        assert_eq!(read(&["deploy/web", "cm"]), "error: \"cm\" is not TYPE/NAME; either all objects are, or none");
        assert_eq!(read(&["deploy/"]), "error: \"deploy/\" is not TYPE/NAME; either all objects are, or none");
        assert_eq!(read(&["deploy,,svc"]), "error: a kind cannot be empty");
    }
}
