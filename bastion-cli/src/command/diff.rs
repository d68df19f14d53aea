//! `bastion diff`.

use bastion_sdk::{
    Error, Reader, cluster,
    core::{
        manifest::Manifest,
        object::ObjectId,
        record::{Revision, RevisionState},
        time::Timestamp,
    },
    spec::RuleSpec,
};

use crate::{
    app::App,
    args::{ContentArgs, OneObject, ReportFormat},
    diff,
    error::Result,
    exit::Exit,
    report::saved::word,
    when,
};

/// Compare two revisions of an object, or a revision with the cluster
///
/// Give a revision by its number in `bastion history`, as a time, or as `latest`. `live` is the object in the
/// cluster, read in the API version of the saved one and sanitized like a backup. If the backup dropped further
/// paths (--drop, or `rules` of the controller), pass them to --drop here too.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  bastion diff cm/prices -n shop                        # latest saved revision and the cluster
  bastion diff cm/prices -n shop --from 1042 --to 1077  # two revisions
  bastion diff cm/prices -n shop --from 2h --to latest
  bastion diff cm/prices -n shop --exit-code || echo changed")]
pub(crate) struct Args {
    #[command(flatten)]
    what: OneObject,
    /// Older side: NUMBER, TIME, latest or live
    #[arg(long, value_name = "REVISION", default_value = "latest")]
    from: Which,
    /// Newer side: NUMBER, TIME, latest or live
    #[arg(long, value_name = "REVISION", default_value = "live")]
    to: Which,
    #[command(flatten)]
    content: ContentArgs,
    /// Exit with 6 if there is a difference
    #[arg(long)]
    exit_code: bool,
    /// Format; json and yaml list the paths that differ
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: ReportFormat,
}

/// One side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The newest that is saved.
    Latest,
    /// The object in the cluster.
    Live,
    /// That revision.
    Number(u64),
    /// As it was then.
    At(Timestamp),
}

impl std::str::FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "latest" => Self::Latest,
            "live" => Self::Live,
            _ => match text.parse() {
                Ok(n) => Self::Number(n),
                Err(_) => Self::At(
                    bastion_sdk::time::parse(text)
                        .map_err(|e| format!("{e}; or the number of a revision, latest, live"))?,
                ),
            },
        })
    }
}

pub(crate) async fn run(app: &App, args: Args) -> Result<Exit> {
    let rules = RuleSpec::rules(&args.content.drop)?;
    let reader = app.reader(None).await?;
    let id = reader.one(&args.what.word()?, args.what.namespace()).await?;
    let (from, to) = (saved(&reader, &id, args.from).await?, saved(&reader, &id, args.to).await?);
    let read_in = match from.as_ref().or(to.as_ref()) {
        Some(revision) => revision.version.clone(),
        None => reader.revision(&id, None).await?.version,
    };
    let live = async || Ok(cluster::live(&app.client().await?, &id, &read_in, &rules).await?);
    let (from_name, from) = side(&reader, args.from, from, &live).await?;
    let (to_name, to) = side(&reader, args.to, to, &live).await?;
    match args.output {
        ReportFormat::Text => {
            let names = (&*format!("{id} {from_name}"), &*format!("{id} {to_name}"));
            app.out.text(&diff::unified(from.as_ref(), to.as_ref(), names)?)?;
        }
        ReportFormat::Json => app.out.json(&diff::changes(from.as_ref(), to.as_ref())?)?,
        ReportFormat::Yaml => app.out.yaml(&diff::changes(from.as_ref(), to.as_ref())?)?,
    }
    Ok(if args.exit_code && from != to { Exit::Differs } else { Exit::Ok })
}

/// The saved revision that is meant; `None` for the live object, and before the first revision.
async fn saved(reader: &Reader, id: &ObjectId, which: Which) -> Result<Option<Revision>> {
    let found = match which {
        Which::Live => return Ok(None),
        Which::Latest => reader.revision(id, None).await,
        Which::Number(n) => reader.revision(id, Some(n)).await,
        Which::At(time) => match reader.clone().at(time).revision(id, None).await {
            // Before its first revision it did not exist: that can be compared, too.
            Err(Error::NothingMatched { .. }) => return Ok(None),
            found => found,
        },
    };
    Ok(Some(found?))
}

/// What a side is called, and the object; `None` where it did not exist.
async fn side(
    reader: &Reader,
    which: Which,
    revision: Option<Revision>,
    live: &impl AsyncFn() -> Result<Option<Manifest>>,
) -> Result<(String, Option<Manifest>)> {
    let Some(revision) = revision else {
        return Ok(match which {
            Which::Live => ("live".to_owned(), live().await?),
            _ => ("(not saved yet)".to_owned(), None),
        });
    };
    let name = format!("revision {} ({})", revision.number, when::local(revision.at));
    if revision.state != RevisionState::Put {
        return Ok((format!("{name}, {}", word(revision.state)), None));
    }
    Ok((name, Some(reader.manifest(&revision).await?)))
}
