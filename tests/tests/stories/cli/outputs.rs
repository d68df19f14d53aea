//! Readers of the output that stall or go away: what is done does not depend on who reads about it.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
};

use bastion_tests::{Bastion, Context as _, Process, Result, wait};
use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    io::ioctl_fionread,
    process::Signal,
};
use serde_json::json;

use super::Town;
use crate::stage::SOON;

const WATCH: [&str; 7] = ["watch", "-n", "shop", "-k", "cm", "-o", "json"];

/// What a pipe takes that nobody reads, but for a page.
const ALMOST_FULL: usize = 60 << 10;

/// A pipe with a name, and its reader. Opened for both, it needs nobody at its other end.
fn pipe(town: &Town, name: &str) -> Result<(PathBuf, File)> {
    let path = town.dir.path().join(name);
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).context("pipe")?;
    let reader = File::options().read(true).write(true).open(&path).context("pipe")?;
    Ok((path, reader))
}

/// Changes an object and waits until that is saved.
async fn change(town: &Town, bastion: &Bastion, value: &str) -> Result<()> {
    town.config("prices", json!({"apple": value})).await?;
    wait::until("the change to be saved", SOON, async || {
        let shown = bastion.run(&["show", "cm/prices", "-n", "shop"]).await?;
        Ok(shown.stdout.contains(value).then_some(()))
    })
    .await
}

async fn stops_with_0(mut watch: Process) -> Result<()> {
    watch.signal(Signal::TERM)?;
    assert_eq!(watch.wait(SOON).await?.code(), Some(0), "{}", watch.log());
    Ok(())
}

/// `bastion watch -o json | jq .`, and jq dies.
pub(crate) async fn a_watch_outlives_its_reader(town: &Town) -> Result<()> {
    let (bastion, _) = town.folder("unread").await?;
    bastion.ok(&["init"]).await?;
    let (path, reader) = pipe(town, "unread.pipe")?;
    let mut watch = bastion.start_into(&WATCH, &path)?;
    let mut line = String::new();
    let mut reader = BufReader::new(reader);
    reader.read_line(&mut line).context("first line")?;
    assert!(line.contains("\"started\""), "{line}");
    drop(reader);
    change(town, &bastion, "read by nobody").await?;
    wait::until_true("the watch to say so", SOON, || watch.log().contains("no longer printed")).await?;
    change(town, &bastion, "still saved").await?;
    watch.check()?;
    assert_eq!(watch.log().matches("cannot write the output").count(), 1, "said once: {}", watch.log());
    stops_with_0(watch).await
}

/// A pager that shows its first page.
pub(crate) async fn a_reader_that_stalls_holds_nothing_up(town: &Town) -> Result<()> {
    let (bastion, _) = town.folder("stalled").await?;
    bastion.ok(&["init"]).await?;
    let (path, mut reader) = pipe(town, "stalled.pipe")?;
    reader.write_all(" ".repeat(ALMOST_FULL).as_bytes()).context("pipe")?;
    for n in 0..60 {
        town.config(&format!("many-{n}"), json!({})).await?;
    }
    let watch = bastion.start_into(&WATCH, &path)?;
    change(town, &bastion, "while it stalls").await?;
    change(town, &bastion, "and again").await?;
    stops_with_0(watch).await?;
    let waiting = ioctl_fionread(&reader).context("pipe")?;
    let mut page = vec![0; usize::try_from(waiting).unwrap()];
    reader.read_exact(&mut page).context("pipe")?;
    let page = String::from_utf8_lossy(&page);
    assert!(page.contains("\"started\"") && !page.contains("\"stopped\""), "it did not stall: {page}");
    Ok(())
}

/// `bastion restore -y | head`: an exit code of a deed is that of the deed.
pub(crate) async fn who_stops_reading_changes_no_exit_code(town: &Town) -> Result<()> {
    let (bastion, _) = town.folder("unread").await?;
    let gone = |name: &str| -> Result<PathBuf> {
        // The program waits for a reader, which comes and goes.
        let (path, reader) = pipe(town, name)?;
        drop(reader);
        Ok(path)
    };
    let ended = async |args: &[&str], path: &Path| -> Result<Option<i32>> {
        let opened = path.to_owned();
        let reader = tokio::task::spawn_blocking(move || File::open(opened));
        let mut process = bastion.start_into(args, path)?;
        drop(reader.await.context("reader")?);
        let code = process.wait(SOON).await?.code();
        assert_eq!(process.log(), "", "{args:?}");
        Ok(code)
    };
    assert_eq!(ended(&["ls"], &gone("ls.pipe")?).await?, Some(0));
    let revisions = bastion.history(&["cm/prices", "-n", "shop"]).await?;
    let first = revisions.last().context("no revision")?.revision.to_string();
    let diff = ["diff", "cm/prices", "-n", "shop", "--from", &first, "--to", "latest", "--exit-code"];
    assert_eq!(ended(&diff, &gone("diff.pipe")?).await?, Some(6));
    town.config("prices", json!({"apple": "neither"})).await?;
    let restore = ["restore", "cm/prices", "-n", "shop", "-y", "--conflict", "fail"];
    assert_eq!(ended(&restore, &gone("restore.pipe")?).await?, Some(4));
    Ok(())
}
