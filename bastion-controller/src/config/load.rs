//! From files and variables to a [`Config`].

use std::path::Path;

use bastion_sdk::{Error, remedy::remedy};
use serde_json::{Value, json};

use super::{
    environment::{self, Variables},
    error::ConfigError,
    schema::Config,
};

impl Config {
    /// File, then environment, then defaults.
    pub(crate) fn load(
        path: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut tree = match path {
            Some(path) => read(path)?,
            None => json!({}),
        };
        let variables = environment::apply(&mut tree, environment)?;
        let mut config: Self =
            serde_path_to_error::deserialize(tree).map_err(|e| ConfigError::Invalid(unreadable(&e, &variables)))?;
        config.variables = variables;
        config.validate().map_err(|e| ConfigError::Invalid(e.spelled(&|key| config.written(key)).to_string()))?;
        Ok(config)
    }

    /// What to do about an error, if anybody here can say.
    pub(crate) fn advice(&self, error: &Error) -> Option<String> {
        remedy(error, &self.repository_spec(), &|key| self.variables.quoted(&key_of_spec(key)))
    }

    /// A key of a spec as the person wrote it: its place in the configuration, with the variable that sets it.
    pub(crate) fn written(&self, key: &str) -> String {
        self.variables.spelled(&key_of_spec(key))
    }
}

fn read(path: &Path) -> Result<Value, ConfigError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: shown.clone(), source })?;
    let tree: Option<Value> =
        serde_saphyr::from_str(&text).map_err(|e| ConfigError::Yaml { path: shown.clone(), why: e.to_string() })?;
    match tree.unwrap_or(Value::Null) {
        Value::Null => Ok(json!({})),
        tree @ Value::Object(_) => Ok(tree),
        _ => Err(ConfigError::Yaml { path: shown, why: "it is not a map of keys".to_owned() }),
    }
}

/// What serde cannot read, after the key that it is the value of.
fn unreadable(error: &serde_path_to_error::Error<serde_json::Error>, variables: &Variables) -> String {
    match error.path().to_string() {
        root if root == "." => error.inner().to_string(),
        key => format!("{}: {}", variables.spelled(&key), error.inner()),
    }
}

/// The configuration has some keys of the specs in other places.
fn key_of_spec(key: &str) -> String {
    match key {
        "repository.url" => "repo".to_owned(),
        "repository.create" => "createRepository".to_owned(),
        "repository.tree" => "tree".to_owned(),
        "cluster.name" => "cluster".to_owned(),
        _ => key.strip_prefix("cluster.").map_or_else(|| key.to_owned(), |rest| format!("kubernetes.{rest}")),
    }
}
