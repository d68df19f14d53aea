//! Log lines that never hold the content of an object.
//!
//! kube-client logs the whole body of a response that it cannot decode, at WARN; the layers beneath log bodies at
//! TRACE. These are limited, whatever a filter asks for.

use std::{fmt, io, str::FromStr};

use serde::{Deserialize, Serialize};
use tracing::{Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{EnvFilter, filter::filter_fn, fmt::layer, prelude::*, registry::LookupSpan};

use super::error::ProcessError;

/// Modules that would log bodies, and the most that they and what is beneath them may say.
const LIMITS: [(&str, LevelFilter); 4] = [
    ("kube_client::client", LevelFilter::ERROR),
    ("aws_smithy_runtime", LevelFilter::WARN),
    ("aws_smithy_http_client", LevelFilter::WARN),
    ("hyper", LevelFilter::WARN),
];

/// Whether a line is within [`LIMITS`]. Of the directives of a filter the most specific one wins; this cannot be
/// overridden.
fn within_limits(line: &Metadata<'_>) -> bool {
    LIMITS.iter().all(|(module, limit)| !line.target().starts_with(module) || *line.level() <= *limit)
}

/// A subscriber that knows which lines are written, and not yet how.
fn filtered(filter: LogFilter) -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync {
    tracing_subscriber::registry().with(filter.0).with(filter_fn(within_limits))
}

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
        let limits = LIMITS.iter().filter_map(|(module, limit)| format!("{module}={limit}").parse().ok());
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
        let registry = filtered(self.filter);
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
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    };

    use tracing::Event;
    use tracing_subscriber::{Layer, layer::Context};

    use super::*;

    #[test]
    fn nobody_can_open_the_log_for_bodies() -> Result<(), LogFilterError> {
        for text in ["info", "trace", "kube_client::client=trace", "hyper=trace,debug"] {
            let filter: LogFilter = text.parse()?;
            for (module, limit) in LIMITS {
                assert!(filter.to_string().contains(&format!("{module}={limit}")), "{text:?}: {filter}");
            }
        }
        Ok(())
    }

    /// Counts the lines that come through.
    struct Counted(Arc<AtomicU64>);

    impl<S: Subscriber> Layer<S> for Counted {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn a_more_specific_directive_does_not_lift_the_limits() -> Result<(), LogFilterError> {
        let written = |filter: &str, emit: fn()| -> Result<u64, LogFilterError> {
            let count = Arc::new(AtomicU64::new(0));
            tracing::subscriber::with_default(filtered(filter.parse()?).with(Counted(count.clone())), emit);
            Ok(count.load(Relaxed))
        };
        let bodies = || {
            let _span = tracing::error_span!("request").entered();
            tracing::trace!(target: "hyper::proto::h1::io", "a body");
            tracing::debug!(target: "aws_smithy_runtime::client::orchestrator", "a body");
            tracing::warn!(target: "kube_client::client", "a body");
        };
        for filter in [
            "trace",
            "hyper::proto=trace,kube_client::client=trace",
            "[request]=trace",
            "aws_smithy_runtime::client=debug",
        ] {
            assert_eq!(written(filter, bodies)?, 0, "{filter}");
        }
        let others = || {
            tracing::error!(target: "hyper::proto::h1::io", "a failure");
            tracing::trace!(target: "bastion_k8s::source", "an event");
        };
        assert_eq!(written("trace", others)?, 2);
        Ok(())
    }
}
