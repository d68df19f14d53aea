//! `bastion show`.

use bastion_sdk::core::{canonical, record::RevisionState, time::Timestamp};

use crate::{
    app::App,
    args::{DocumentFormat, OneObject},
    error::Result,
    exit::Exit,
    report::saved,
};

/// Print a saved object
///
/// Prints the manifest as it was saved, without what the cluster assigns (uid, resourceVersion, status,
/// managedFields …), and checks its digest. Needs no cluster.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  bastion show deployment/web -n shop
  bastion show cm prices -n shop --at 2026-01-31T12:00:00Z
  bastion show cm prices -n shop --revision 1042 -o json
  bastion show deploy/web -n shop --at 1d | kubectl apply -f -")]
pub(crate) struct Args {
    #[command(flatten)]
    what: OneObject,
    /// As of this time: 2026-01-31T12:00:00Z, 2026-01-31, or how long ago: 2h, 1d12h
    #[arg(long, value_name = "TIME", value_parser = bastion_sdk::time::parse, conflicts_with = "revision")]
    at: Option<Timestamp>,
    /// This revision, by its number in `bastion history`
    #[arg(long, value_name = "NUMBER")]
    revision: Option<u64>,
    /// Format
    #[arg(long, short, value_name = "FORMAT", default_value = "yaml")]
    output: DocumentFormat,
}

pub(crate) async fn run(app: &App, args: Args) -> Result<Exit> {
    let reader = app.reader(args.at).await?;
    let id = reader.one(&args.what.word()?, args.what.namespace()).await?;
    let revision = reader.revision(&id, args.revision).await?;
    if revision.state != RevisionState::Put {
        return Err(saved::no_content(&revision));
    }
    let manifest = reader.manifest(&revision).await?;
    match args.output {
        DocumentFormat::Yaml => app.out.yaml_text(&saved::yaml(&id, &manifest)?)?,
        DocumentFormat::Json => app.out.json_text(&crate::json::indent(&canonical::to_bytes(&manifest)))?,
    }
    Ok(Exit::Ok)
}
