//! Log lines on stdout.
//!
//! kube-client logs the whole body of an answer that it cannot decode, at WARN; the layers beneath log bodies
//! at TRACE. A log must never hold an object's content, so these stay shut whatever is asked for.

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::config::{LogConfig, LogFormat};

/// Modules that would print bodies, and the most that they may say.
const SHUT: [&str; 4] =
    ["kube_client::client=error", "aws_smithy_runtime=warn", "aws_smithy_http_client=warn", "hyper=warn"];

/// Starts logging.
pub(crate) fn start(config: &LogConfig) {
    let registry = tracing_subscriber::registry().with(filter(&config.filter));
    let layer = fmt::layer().with_ansi(false);
    // A second start can only come from a test; the first one stays.
    let _ = match config.format {
        LogFormat::Text => registry.with(layer).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
}

fn filter(asked: &str) -> EnvFilter {
    let mut filter = EnvFilter::try_new(asked).unwrap_or_else(|_| EnvFilter::new("info"));
    for shut in SHUT {
        if let Ok(directive) = shut.parse() {
            filter = filter.add_directive(directive);
        }
    }
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_open_the_log_for_bodies() {
        for asked in ["info", "trace", "kube_client::client=trace", "not a filter="] {
            let text = filter(asked).to_string();
            for shut in SHUT {
                assert!(text.contains(shut), "{asked:?}: {text}");
            }
        }
    }
}
