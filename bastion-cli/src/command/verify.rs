//! `bastion verify`.

use bastion_sdk::{
    Error,
    core::{Error as CoreError, hash::Digest, repository::VerifyOptions},
};

use crate::{
    app::App,
    args::ReportFormat,
    error::{CliError, Result},
    exit::Exit,
    output::{bytes, count},
    progress::Progress,
    report::verify::VerifyReport,
};

/// Read every byte and report what is damaged or missing
///
/// Reads all files of the repository except its views and checks them against each other's digests. Needs no
/// cluster. Exits with 5 if there is damage.
///
/// A log cannot show that its latest commits are missing. To detect that, pass the end of the log as it was
/// known before, from an earlier `bastion status` or the controller's Lease, with --expect-head.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  bastion verify
  bastion verify -o json
  bastion verify --expect-head prod=1042@2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
pub(crate) struct Args {
    /// End of a log as it was known before, which must still exist
    #[arg(long, value_name = "CLUSTER=HEAD", value_parser = expected)]
    expect_head: Vec<Expected>,
    /// Format
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: ReportFormat,
}

/// A log's end.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expected {
    cluster: String,
    number: u64,
    digest: Digest,
}

fn expected(text: &str) -> Result<Expected, String> {
    let parse = || {
        let (cluster, head) = text.rsplit_once('=')?;
        let (number, digest) = head.split_once('@')?;
        Some(Expected { cluster: cluster.to_owned(), number: number.parse().ok()?, digest: digest.parse().ok()? })
    };
    parse().ok_or_else(|| "write CLUSTER=NUMBER@SHA256, as shown by `bastion status`".to_owned())
}

pub(crate) async fn run(app: &App, args: Args) -> Result<Exit> {
    let repo = match app.repo().await {
        // Nothing else can be read without bastion.json: one problem, named.
        Err(CliError::Sdk(Error::Core(CoreError::Corrupt { key, why }))) => {
            app.out.line(format_args!("DAMAGED  {key}: {why}"))?;
            return Err(CliError::Damaged { problems: 1 });
        }
        repo => repo?,
    };
    let mut options = VerifyOptions::default();
    for e in args.expect_head {
        options = options.expect_head(e.cluster, e.number, e.digest);
    }
    let progress = Progress::start("reading the repository");
    let report = repo
        .verify(&options, |p| {
            progress.say(|| {
                let found = count(p.problems, "problem");
                format!("{}, {}, {found}", count(p.files, "file"), bytes(p.bytes))
            });
        })
        .await;
    progress.clear();
    let report = report?;
    let problems = report.problems.len() as u64 + report.unlisted_problems;
    app.out.report(args.output, &VerifyReport::new(&report))?;
    if problems > 0 {
        return Err(CliError::Damaged { problems });
    }
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_status_shows_it() {
        let hex = "ab".repeat(32);
        let e = expected(&format!("a=b=1042@{hex}")).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((e.cluster.as_str(), e.number, e.digest.to_string()), ("a=b", 1042, hex));
        for wrong in ["prod", "prod=1", "prod=x@ab", "prod=1@ab"] {
            assert!(expected(wrong).is_err(), "{wrong}");
        }
    }
}
