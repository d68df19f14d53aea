//! Which stored objects: kubectl's `TYPE NAME`, `TYPE/NAME`, `-n`, `-A`, `-l`.

use bastion_core::select::{KindWord, LabelSelector, SelectionError};
use clap::Args;

use crate::error::{CliError, Result};

/// In which namespaces to look.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct NamespaceArgs {
    /// In this namespace
    #[arg(long, short, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
}

/// Any number of objects.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ObjectArgs {
    /// Kinds and names
    #[arg(help = "TYPE[,TYPE] [NAME…] or TYPE/NAME…", value_name = "OBJECT", add = crate::kinds::completer())]
    pub(crate) objects: Vec<String>,
    /// In this namespace
    #[arg(long, short, value_name = "NAMESPACE", conflicts_with = "all_namespaces")]
    pub(crate) namespace: Option<String>,
    /// In all namespaces, and objects of the cluster itself
    #[arg(long, short = 'A')]
    pub(crate) all_namespaces: bool,
    /// With these labels: app=web,tier!=cache,env in (a,b)
    #[arg(long, short = 'l', value_name = "LABELS")]
    pub(crate) selector: Option<LabelSelector>,
}

/// Exactly one object.
#[derive(Debug, Clone, Args)]
pub(crate) struct OneObject {
    /// TYPE NAME or TYPE/NAME
    #[arg(value_name = "OBJECT", required = true, num_args = 1..=2, add = crate::kinds::completer())]
    pub(crate) object: Vec<String>,
    #[command(flatten)]
    pub(crate) place: NamespaceArgs,
}

/// What the arguments name, before it is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// Everything.
    All,
    /// Everything of these kinds.
    Kinds(Vec<KindWord>),
    /// These objects.
    Objects(Vec<(KindWord, String)>),
}

impl ObjectArgs {
    /// Reads the positional arguments as kubectl does.
    pub(crate) fn named(&self) -> Result<Named> {
        parse(&self.objects)
    }
}

impl OneObject {
    /// Kind and name.
    pub(crate) fn named(&self) -> Result<(KindWord, String)> {
        match parse(&self.object)? {
            Named::Objects(mut objects) if objects.len() == 1 => Ok(objects.remove(0)),
            _ => Err(CliError::Usage(format!(
                "{:?} is not one object; write TYPE NAME or TYPE/NAME, for example deployment/web",
                self.object.join(" ")
            ))),
        }
    }
}

fn kind_word(text: &str) -> Result<KindWord> {
    text.parse().map_err(|error: SelectionError| CliError::Usage(error.to_string()))
}

fn parse(words: &[String]) -> Result<Named> {
    let Some((first, names)) = words.split_first() else { return Ok(Named::All) };
    if words.iter().any(|w| w.contains('/')) {
        return words
            .iter()
            .map(|w| match w.split_once('/') {
                Some((kind, name)) if !name.is_empty() && !name.contains('/') => {
                    Ok((kind_word(kind)?, name.to_owned()))
                }
                _ => Err(CliError::Usage(format!("{w:?} is not TYPE/NAME; either all objects are, or none"))),
            })
            .collect::<Result<_>>()
            .map(Named::Objects);
    }
    let kinds = first.split(',').map(kind_word).collect::<Result<Vec<_>>>()?;
    if names.is_empty() {
        return Ok(Named::Kinds(kinds));
    }
    Ok(Named::Objects(
        names.iter().flat_map(|name| kinds.iter().map(move |kind| (kind.clone(), name.clone()))).collect(),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(words: &[&str]) -> String {
        match parse(&words.iter().map(ToString::to_string).collect::<Vec<_>>()) {
            Ok(Named::All) => "all".to_owned(),
            Ok(Named::Kinds(kinds)) => kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            Ok(Named::Objects(o)) => o.iter().map(|(k, n)| format!("{k}|{n}")).collect::<Vec<_>>().join(" "),
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
        assert_eq!(read(&["deploy,,svc"]), "error: an empty word is no kind");
    }
}
