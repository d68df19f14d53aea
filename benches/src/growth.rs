//! Growth: what an object costs must not depend on how many there are. An in-memory source into a folder, a
//! fresh process for each size.

use std::{env, process::Command};

use crate::{
    Options, Result,
    process::mebibytes,
    results::{Results, Row},
};

mod child;

pub use child::{Grown, run as child};

/// Runs every size in a process of its own.
pub fn run(options: &Options, results: &mut Results) -> Result<()> {
    let sizes: &[u64] =
        if options.quick { &[1_000, 10_000, 50_000] } else { &[1_000, 10_000, 100_000, 300_000, 1_000_000] };
    let mut all = Vec::new();
    for size in sizes {
        let grown = one(*size)?;
        crate::say(&format!("{size} objects: {grown:?}"));
        rows(&grown, results);
        all.push(grown);
    }
    slopes(&all, results);
    Ok(())
}

fn one(objects: u64) -> Result<Grown> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(env::current_exe()?);
    let output = command.args(["grow", &objects.to_string()]).arg(folder.path()).output()?;
    if !output.status.success() {
        return Err(format!("growth at {objects}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn rows(grown: &Grown, results: &mut Results) {
    let name = |what: &str| format!("growth.{:07}.{what}", grown.objects);
    results.add(Row::new(name("first-backup"), grown.cold_us, "µs an object"));
    results.add(Row::new(name("first-backup.cpu"), grown.cold_cpu_us, "µs an object").beside(
        "making the objects",
        grown.making_us,
        grown.cold_cpu_us / grown.making_us,
    ));
    results.add(Row::new(name("unchanged.cpu"), grown.unchanged_cpu_us, "µs an event"));
    results.add(Row::new(name("changed.cpu"), grown.changed_cpu_us, "µs an event"));
    results.add(Row::new(name("peak"), mebibytes(grown.peak), "MiB"));
    results.add(Row::new(name("steady"), mebibytes(grown.steady), "MiB"));
    results.add(Row::new(name("open"), grown.open_ms, "ms"));
}

/// From the last but one order of magnitude to the last.
#[allow(clippy::cast_precision_loss)]
fn slopes(all: &[Grown], results: &mut Results) {
    let Some(last) = all.last() else { return };
    let Some(first) = all.iter().rfind(|grown| grown.objects * 10 <= last.objects) else { return };
    let more = (last.objects - first.objects) as f64;
    let slope = |of: fn(&Grown) -> u64| (of(last) as f64 - of(first) as f64) / more;
    // Only the full range is what the goal speaks of.
    let suffix = if last.objects >= 1_000_000 { "" } else { "-small" };
    results.add(Row::new(format!("growth.memory-slope{suffix}"), slope(|g| g.peak), "B an object, at the peak"));
    results.add(Row::new(format!("growth.steady-slope{suffix}"), slope(|g| g.steady), "B an object"));
    let ratio = |name: &str, of: fn(&Grown) -> f64| {
        let what = format!("at {}", first.objects);
        Row::new(format!("growth.{name}-growth{suffix}"), of(last), "µs").beside(&what, of(first), of(last) / of(first))
    };
    results.add(ratio("first-backup", |g| g.cold_cpu_us));
    results.add(ratio("unchanged", |g| g.unchanged_cpu_us));
    results.add(ratio("changed", |g| g.changed_cpu_us));
}
