//! Which log lines a command writes, on stderr.

use std::io::IsTerminal;

use bastion_sdk::process::{LogFilter, Logging};
use tracing::level_filters::LevelFilter;

use crate::args::{ColorWhen, Global, LogFormat};

/// Environment variable with a tracing filter, which goes before `-v`.
const VARIABLE: &str = "BASTION_LOG";

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
    let format = match global.log_format {
        LogFormat::Text => bastion_sdk::process::LogFormat::Text,
        LogFormat::Json => bastion_sdk::process::LogFormat::Json,
    };
    // A second start can only come from a test; the first one stays.
    let _ = Logging::terminal(filter, format).color(colour).targets(global.verbose > 1).start();
}

fn filter(asked: Option<&str>, verbose: u8, lasts: bool) -> LogFilter {
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
    let filter = asked.unwrap_or(&ours).parse().or_else(|_| ours.parse()).unwrap_or_default();
    // The error at the end names what failed.
    LogFilter::without_http_client(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_open_the_log_for_bodies() {
        for asked in [None, Some("trace"), Some("kube_client::client=trace"), Some("not a filter=")] {
            let text = filter(asked, 3, false).to_string();
            for limit in
                ["kube_client::client=off", "aws_smithy_runtime=warn", "aws_smithy_http_client=warn", "hyper=warn"]
            {
                assert!(text.contains(limit), "{asked:?}: {text}");
            }
        }
    }
}
