//! Log lines that never hold the content of an object.
//!
//! kube-client logs the whole body of a response that it cannot decode, at WARN; the layers beneath log bodies at
//! TRACE. These stay shut, whatever a filter asks for.

use std::{fmt, io, str::FromStr};

use serde::{Deserialize, Serialize};
use tracing_subscriber::{EnvFilter, fmt::layer, prelude::*};

use super::error::ProcessError;

/// Modules that would log bodies, and the most that they may say.
const LIMITS: [&str; 4] =
    ["kube_client::client=error", "aws_smithy_runtime=warn", "aws_smithy_http_client=warn", "hyper=warn"];

/// Which log lines are written: a level (`info`), or directives in `tracing`'s syntax (`bastion_k8s=debug,info`).
///
/// No filter opens the log for the content of objects:
///
/// ```
/// use bastion_sdk::process::LogFilter;
///
/// let filter: LogFilter = "trace".parse()?;
/// assert!(filter.to_string().contains("kube_client::client=error"));
/// assert!("bastion=loud".parse::<LogFilter>().is_err());
/// # Ok::<(), bastion_sdk::process::LogFilterError>(())
/// ```
#[derive(Debug)]
pub struct LogFilter(EnvFilter);

impl LogFilter {
    fn limited(filter: EnvFilter) -> Self {
        let limits = LIMITS.iter().filter_map(|limit| limit.parse().ok());
        Self(limits.fold(filter, EnvFilter::add_directive))
    }

    /// Writes nothing of kube-client's HTTP client, whose failures the program reports itself.
    #[must_use]
    pub fn without_http_client(self) -> Self {
        match "kube_client::client=off".parse() {
            Ok(off) => Self(self.0.add_directive(off)),
            Err(_) => self,
        }
    }
}

/// `info`.
impl Default for LogFilter {
    fn default() -> Self {
        Self::limited(EnvFilter::new("info"))
    }
}

impl FromStr for LogFilter {
    type Err = LogFilterError;

    fn from_str(text: &str) -> Result<Self, LogFilterError> {
        EnvFilter::try_new(text).map(Self::limited).map_err(|source| LogFilterError { source })
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Text that is not a [`LogFilter`].
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LogFilterError {
    source: tracing_subscriber::filter::ParseError,
}

/// The shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum LogFormat {
    /// A JSON document a line.
    #[default]
    Json,
    /// Text for people.
    Text,
}

/// Which log lines are written, where to, and how.
#[derive(Debug)]
#[must_use = "nothing is logged before `start`"]
pub struct Logging {
    filter: LogFilter,
    format: LogFormat,
    output: Output,
    color: bool,
    targets: bool,
}

#[derive(Debug, Clone, Copy)]
enum Output {
    Service,
    Terminal,
}

impl Logging {
    /// For a service: on stdout, with the module that wrote the line; the fields of a JSON line are beside its message.
    pub fn service(filter: LogFilter, format: LogFormat) -> Self {
        Self { filter, format, output: Output::Service, color: false, targets: true }
    }

    /// For a command at a terminal: on stderr, compact; the fields of a JSON line have a map of their own.
    pub fn terminal(filter: LogFilter, format: LogFormat) -> Self {
        Self { filter, format, output: Output::Terminal, color: false, targets: false }
    }

    /// Whether text is coloured; it is not if nothing is said.
    pub fn color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// Whether lines name the module that wrote them.
    pub fn targets(mut self, targets: bool) -> Self {
        self.targets = targets;
        self
    }

    /// Starts logging, for the whole process.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Logging`] if the program has a subscriber already, which stays.
    pub fn start(self) -> Result<(), ProcessError> {
        let registry = tracing_subscriber::registry().with(self.filter.0);
        let layer = layer().with_ansi(self.color).with_target(self.targets);
        let started = match (self.output, self.format) {
            (Output::Service, LogFormat::Text) => registry.with(layer).try_init(),
            (Output::Service, LogFormat::Json) => registry.with(layer.json().flatten_event(true)).try_init(),
            (Output::Terminal, format) => {
                // A line that cannot be written is dropped: to report that on the same stderr would panic.
                let layer = layer.log_internal_errors(false).with_writer(io::stderr);
                match format {
                    LogFormat::Text => registry.with(layer.compact()).try_init(),
                    LogFormat::Json => registry.with(layer.json()).try_init(),
                }
            }
        };
        started.map_err(|_| ProcessError::Logging)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_open_the_log_for_bodies() -> Result<(), LogFilterError> {
        for text in ["info", "trace", "kube_client::client=trace", "hyper=trace,debug"] {
            let filter: LogFilter = text.parse()?;
            for limit in LIMITS {
                assert!(filter.to_string().contains(limit), "{text:?}: {filter}");
            }
        }
        Ok(())
    }
}
