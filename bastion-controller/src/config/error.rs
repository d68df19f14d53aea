//! Why there is no configuration.

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration {path}")]
    Read {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("the configuration {path} is no valid YAML: {why}")]
    Yaml { path: String, why: String },
    #[error("the environment variable {name} is no setting; there are {known}")]
    UnknownVariable { name: String, known: String },
    #[error("the configuration is wrong: {0}")]
    Invalid(String),
}
