//! Runs benches and writes down what they measured.

use std::{fs, path::Path};

use crate::{BENCHES, Bench, Options, Result, charts::CHARTS, machine, page, results::Results, say};

/// Runs benches one after the other; after each its results are written.
pub fn run(options: &Options) -> Result<()> {
    let name = if options.quick { "quick" } else { "results" };
    let file = options.folder.join(name).with_extension("json");
    let page = if options.quick { options.folder.join("quick.md") } else { options.page.clone() };
    let mut results = Results::read(&file)?;
    for bench in chosen(&options.names)? {
        say(&format!("\n==> {}: {} (load {:.1})", bench.name, bench.about, machine::load()));
        (bench.run)(options, &mut results)?;
        write(&results, &file, &page)?;
    }
    say(&format!("\nresults: {}\npage:    {}", file.display(), page.display()));
    Ok(())
}

fn write(results: &Results, file: &Path, page: &Path) -> Result<()> {
    results.write(file)?;
    // docs/performance/ beside docs/performance.md.
    let charts = page.with_extension("");
    fs::create_dir_all(&charts)?;
    for chart in CHARTS {
        if let Some(svg) = chart.svg(results) {
            fs::write(charts.join(chart.name).with_extension("svg"), svg)?;
        }
    }
    let folder = charts.file_name().unwrap_or_default().to_string_lossy();
    Ok(fs::write(page, page::render(results, &folder))?)
}

fn chosen(names: &[String]) -> Result<Vec<&'static Bench>> {
    if names.is_empty() {
        return Ok(BENCHES.iter().collect());
    }
    let find = |name: &String| {
        let known = || BENCHES.iter().map(|bench| bench.name).collect::<Vec<_>>().join(", ");
        BENCHES
            .iter()
            .find(|bench| bench.name == name)
            .ok_or_else(|| format!("no bench {name}; there are: {}", known()))
    };
    Ok(names.iter().map(find).collect::<Result<_, _>>()?)
}
