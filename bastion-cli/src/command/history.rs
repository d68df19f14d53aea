//! `bastion history`.

use bastion_core::{
    manifest::Manifest,
    record::{State, Version},
};

use crate::{
    args::{ListFormat, OneObject},
    connect::Reading,
    diff,
    error::Result,
    exit::Exit,
    objects,
    report::saved::{self, Saved},
    run::App,
    when,
};

/// List every saved version of an object
///
/// The newest first. Needs no cluster.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  bastion history deployment/web -n shop
  bastion history cm prices -n shop --patch   # with what each version changed
  bastion history cm prices -n shop -o wide   # with who wrote it")]
pub(crate) struct Args {
    #[command(flatten)]
    what: OneObject,
    /// Show what each version changed
    #[arg(long, short, conflicts_with = "output")]
    patch: bool,
    /// At most this many versions
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Format
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    output: ListFormat,
}

pub(crate) async fn run(app: &App, args: Args) -> Result<Exit> {
    let reading = app.reading(None).await?;
    let id = objects::one(&reading.snapshot, &args.what).await?;
    let versions = reading.snapshot.history(&id).await?;
    let shown = &versions[..versions.len().min(args.limit.unwrap_or(usize::MAX))];
    let table_only = matches!(args.output, ListFormat::Table | ListFormat::Name);
    let mut rows = Vec::with_capacity(shown.len());
    for version in shown {
        let row = Saved::new(version, reading.algorithm());
        // Who wrote it lies beside the body: a read for each version, so only where it is shown.
        rows.push(if table_only || version.state != State::Put {
            row
        } else {
            row.with(&reading.snapshot.extras(version).await?)
        });
    }
    if args.patch {
        return patches(app, &reading, &versions, &rows).await;
    }
    super::ls::print(app, args.output, &rows, |wide| saved::history(&rows, wide, when::now()))?;
    Ok(Exit::Ok)
}

/// Each version under a line of its own, with what it changed.
async fn patches(app: &App, reading: &Reading, versions: &[Version], rows: &[Saved]) -> Result<Exit> {
    for (i, row) in rows.iter().enumerate() {
        if app.out.is_unread() {
            break;
        }
        app.out.line(row.headline())?;
        let new = side(reading, versions.get(i)).await?;
        let old = side(reading, versions.get(i + 1)).await?;
        app.out.text(&diff::unified(old.as_ref(), new.as_ref(), ("before", "after"))?)?;
    }
    Ok(Exit::Ok)
}

/// A version's content; nothing where the object did not exist.
async fn side(reading: &Reading, version: Option<&Version>) -> Result<Option<Manifest>> {
    match version.filter(|v| v.state == State::Put) {
        Some(version) => Ok(Some(objects::manifest(&reading.snapshot, version).await?)),
        None => Ok(None),
    }
}
