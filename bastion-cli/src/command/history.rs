//! `bastion history`.

use bastion_sdk::{
    Reader,
    core::{
        manifest::Manifest,
        record::{Revision, RevisionState},
    },
};

use crate::{
    app::App,
    args::{ListFormat, OneObject},
    diff,
    error::Result,
    exit::Exit,
    report::saved::{self, Saved},
    when,
};

/// List every saved revision of an object
///
/// Newest first. Needs no cluster.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  bastion history deployment/web -n shop
  bastion history cm prices -n shop --patch   # with what each revision changed
  bastion history cm prices -n shop -o wide   # with who wrote it")]
pub(crate) struct Args {
    #[command(flatten)]
    what: OneObject,
    /// Show what each revision changed
    #[arg(long, short, conflicts_with = "output")]
    patch: bool,
    /// At most this many revisions
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Format
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    output: ListFormat,
}

pub(crate) async fn run(app: &App, args: Args) -> Result<Exit> {
    let reader = app.reader(None).await?;
    let id = reader.one(&args.what.word()?, args.what.namespace()).await?;
    let revisions = reader.history(&id).await?;
    let shown = &revisions[..revisions.len().min(args.limit.unwrap_or(usize::MAX))];
    let table_only = matches!(args.output, ListFormat::Table | ListFormat::Name);
    let mut rows = Vec::with_capacity(shown.len());
    for revision in shown {
        let row = Saved::new(revision, reader.algorithm());
        // Who wrote it lies beside the body: a read for each revision, so only where it is shown.
        rows.push(if table_only || revision.state != RevisionState::Put {
            row
        } else {
            row.with(&reader.snapshot().extras(revision).await?)
        });
    }
    if args.patch {
        return patches(app, &reader, &revisions, &rows).await;
    }
    saved::print(&app.out, args.output, &rows, |wide| saved::history(&rows, wide, when::now()))?;
    Ok(Exit::Ok)
}

/// Each revision under a line of its own, with what it changed.
async fn patches(app: &App, reader: &Reader, revisions: &[Revision], rows: &[Saved]) -> Result<Exit> {
    for (i, row) in rows.iter().enumerate() {
        if app.out.is_unread() {
            break;
        }
        app.out.line(row.headline())?;
        let new = side(reader, revisions.get(i)).await?;
        let old = side(reader, revisions.get(i + 1)).await?;
        app.out.text(&diff::unified(old.as_ref(), new.as_ref(), ("before", "after"))?)?;
    }
    Ok(Exit::Ok)
}

/// A revision's content; nothing where the object did not exist.
async fn side(reader: &Reader, revision: Option<&Revision>) -> Result<Option<Manifest>> {
    match revision.filter(|v| v.state == RevisionState::Put) {
        Some(revision) => Ok(Some(reader.manifest(revision).await?)),
        None => Ok(None),
    }
}
