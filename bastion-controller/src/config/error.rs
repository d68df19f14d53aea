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
    #[error("the configuration {path} is not valid YAML: {why}")]
    Yaml { path: String, why: String },
    #[error("the environment variable {name} is not a setting; the settings are {known}")]
    UnknownVariable { name: String, known: String },
    #[error("invalid configuration: {0}")]
    Invalid(String),
}
