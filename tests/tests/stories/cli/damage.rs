//! A folder on a disk that lies: each fault is named by file, with an exit code that a script can act on.

use std::{fs, path::Path};

use bastion_tests::{Bastion, Context as _, Result, wait};
use rustix::process::Signal;
use serde_json::json;

use super::{Town, files, says, tour};
use crate::stage::SOON;

/// Flips a bit in the middle of a file.
fn flip(path: &Path) -> Result<()> {
    let mut bytes = fs::read(path).context("read")?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).context("write")
}

/// Cuts a file in half.
fn cut(path: &Path) -> Result<()> {
    let bytes = fs::read(path).context("read")?;
    fs::write(path, &bytes[..bytes.len() / 2]).context("write")
}

/// Removes a file.
fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).context("remove")
}

/// Text that no compressor makes small.
fn noise(seed: u64) -> String {
    let mix = |n: u64| {
        let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    };
    let hex = |n: u64| format!("{:016x}", mix((n + (seed << 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    (1..40_000).map(hex).collect::<Vec<_>>().concat()
}

/// A way to damage a file.
type Harm = fn(&Path) -> Result<()>;

/// Flipped, cut short, missing: each sort of file.
pub(crate) async fn every_damaged_or_missing_file_is_named(town: &Town) -> Result<()> {
    let (bastion, folder) = town.folder("damage").await?;
    bastion.ok(&["init"]).await?;
    // One body after another: some commits, and one big enough for a pack.
    for n in 0..3 {
        town.config("prices", json!({"apple": format!("version {n}")})).await?;
        bastion.ok(&["backup", "-n", "shop", "-k", "cm"]).await?;
    }
    for n in 0..8 {
        town.config(&format!("large-{n}"), json!({"noise": noise(n)})).await?;
    }
    // What gathers between two commits is more than a segment takes.
    let mut watch = bastion.start(&["watch", "-n", "shop", "-k", "cm", "--commit-interval", "3s"])?;
    wait::until("all to be saved", SOON, async || {
        let saved = bastion.saved(&["cm", "-n", "shop"]).await?;
        Ok((saved.iter().filter(|o| o.name.starts_with("large-")).count() == 8).then_some(()))
    })
    .await?;
    watch.signal(Signal::TERM)?;
    assert_eq!(watch.wait(SOON).await?.code(), Some(0), "{}", watch.log());
    says(&bastion, &["verify"], 0, &["everything is as it was written"]).await?;
    let head = tour::head(&bastion).await?;

    let whole = files(&folder);
    let named = |part: &str| whole.iter().filter(|f| f.contains(part)).cloned().collect::<Vec<_>>();
    let (segments, packs) = (named("/log/"), named("/packs/"));
    assert!(segments.len() > 3 && !packs.is_empty(), "{whole:?}");
    let faults: [(&str, Harm, &str); 8] = [
        (&segments[1], flip, "its bytes do not match"),
        (&segments[1], cut, ""),
        (&segments[1], remove, "it is missing"),
        (&packs[0], flip, ""),
        (&packs[0], remove, "it is missing"),
        (&named("/index/")[0], flip, "its bytes do not match"),
        (&named("/checkpoints/")[0], flip, "its bytes do not match"),
        ("bastion.json", cut, ""),
    ];
    for (file, harm, why) in faults {
        let path = folder.join(file);
        let kept = fs::read(&path).context("read")?;
        harm(&path)?;
        says(&bastion, &["verify"], 5, &[&format!("DAMAGED  {file}: "), why, "1 problem found", "try:"]).await?;
        fs::write(&path, kept).context("write")?;
    }
    says(&bastion, &["verify"], 0, &["everything is as it was written"]).await?;
    never_restored(town, &bastion, &folder, &packs[0]).await?;

    // A log whose newest commit is cut off: known from outside, and by the checkpoint.
    let last = folder.join(segments.last().unwrap());
    let kept = fs::read(&last).context("read")?;
    remove(&last)?;
    says(&bastion, &["verify", "--expect-head", &head], 5, &[segments.last().unwrap(), "it is missing"]).await?;
    fs::write(&last, kept).context("write")?;
    says(&bastion, &["verify", "--expect-head", &head], 0, &["as it was written"]).await.map(drop)
}

/// A body that is not what was saved is never shown and never restored; everything else still is.
async fn never_restored(town: &Town, bastion: &Bastion, folder: &Path, pack: &str) -> Result<()> {
    let path = folder.join(pack);
    let kept = fs::read(&path).context("read")?;
    flip(&path)?;
    let large = bastion.saved(&["cm", "-n", "shop"]).await?;
    let mut damaged = 0;
    for object in large.iter().filter(|o| o.name.starts_with("large-") && o.state == "saved") {
        let said = bastion.run(&["show", &format!("cm/{}", object.name), "-n", "shop"]).await?;
        if said.code != 0 {
            damaged += 1;
            assert!(said.stderr.contains("damaged") && said.stdout.is_empty(), "{}", said.text());
            let mapped =
                ["restore", &format!("cm/{}", object.name), "-n", "shop", "--map-namespace", "shop=hurt", "-y"];
            let said = bastion.run(&mapped).await?;
            assert!(said.code != 0 && said.text().contains("damaged"), "{}", said.text());
            let there = format!("/api/v1/namespaces/hurt/configmaps/{}", object.name);
            assert!(town.api.find(&there).await.unwrap().is_none(), "a damaged body was restored");
        }
    }
    assert!(damaged > 0, "the flipped byte hit nothing");
    says(bastion, &["show", "cm/prices", "-n", "shop"], 0, &["version 2"]).await?;
    fs::write(&path, kept).context("write")
}
