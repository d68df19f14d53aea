//! Log lines on stderr.
//!
//! kube-client logs the whole body of an answer that it cannot decode, at WARN; the layers beneath log bodies
//! at TRACE. A log must never hold an object's content, so these stay shut whatever is asked for.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt, prelude::*};

use crate::args::{ColorWhen, Global, LogFormat};

/// Environment variable with a tracing filter, which goes before `-v`.
const VARIABLE: &str = "BASTION_LOG";

/// Modules that would print bodies, and the most that they may say.
const SHUT: [&str; 4] =
    ["kube_client::client=off", "aws_smithy_runtime=warn", "aws_smithy_http_client=warn", "hyper=warn"];

/// Said again, and better, by the error or the report at the end of a command.
const SAID_AT_THE_END: &str = ",aws_config=error,bastion_core::engine=error,bastion_core::pipeline::reader=error,bastion_core::pipeline::lane=error";

/// Starts logging.
///
/// What `lasts` (a watch) has no report at its end, so it says everything when it happens.
pub(crate) fn start(global: &Global, lasts: bool) {
    let filter = filter(std::env::var(VARIABLE).ok().as_deref(), global.verbose, lasts);
    let colour = match global.color {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    };
    let registry = tracing_subscriber::registry().with(filter);
    // What cannot be logged is not logged: to say so on the same stderr would be a panic.
    let layer = fmt::layer()
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(global.verbose > 1);
    // A second start can only come from a test; the first one stays.
    let _ = match global.log_format {
        LogFormat::Text => registry.with(layer.compact()).try_init(),
        LogFormat::Json => registry.with(layer.json()).try_init(),
    };
}

fn filter(asked: Option<&str>, verbose: u8, lasts: bool) -> EnvFilter {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let mut ours = format!("warn,bastion={level},bastion_core={level},bastion_storage={level},bastion_k8s={level}");
    if verbose == 0 {
        ours.push_str(if lasts { ",aws_config=error" } else { SAID_AT_THE_END });
    }
    let mut filter = EnvFilter::try_new(asked.unwrap_or(&ours)).unwrap_or_else(|_| EnvFilter::new(&ours));
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
        for asked in [None, Some("trace"), Some("kube_client::client=trace"), Some("not a filter=")] {
            let text = filter(asked, 3, false).to_string();
            for shut in SHUT {
                assert!(text.contains(shut), "{asked:?}: {text}");
            }
        }
    }
}
