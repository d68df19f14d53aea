//! `docs/performance.md`: what was measured, as tables.

use std::fmt::Write as _;

use crate::{
    charts::CHARTS,
    goals::GOALS,
    machine,
    numbers::number,
    results::{Results, Row},
};

const HEAD: &str = "# Performance

`cargo xtask bench` measures and writes this page. Bastion and all servers ran on one machine and talked over loopback, so
absolute times mean little: compare the ratios within a run. Where a run was repeated, the value is the median, followed by
minimum and maximum.

Velero is version 1.18.3 with its AWS plugin 1.14.3, built with Go from the modules pinned in `tests/tools/velero`. Its server
runs next to the API server, without node agents, and stores its backups in the same MinIO as Bastion, through the same proxy
that counts requests and bytes. It is measured with its default settings and with `--client-qps` and `--client-burst` set to
1,000. Its memory is that of the server and its plugins, with shared pages counted once.
";

/// What the figures do not show by themselves.
const FOUND: &str = "
## What profiling shows

A first backup on two cores is CPU-bound: of 12.6 CPU seconds for 100,000 objects, the API server used 8.2 and Bastion 3.9
(`perf`, `callgrind`). Of Bastion's share, 31 % went into parsing JSON into a tree, sanitizing it and writing the canonical
form, 18 % into commit and index, 9 % into splitting list pages into objects, 8 % into queue and workers, 7 % into zstd and 6 %
into HTTP and TLS. The goal leaves 15 µs per object for all of it.

- What we kept: strings of up to 24 bytes are stored inline (28 allocations per object instead of 145, 10 µs instead of 16);
  responses from a nearby API server are not compressed; objects in flight are found by hash; the index grows with what it
  holds; jemalloc's background thread returns memory after a second; an expired position costs a metadata-only list.
- What we dropped: a sorted vector instead of the B-tree for each map of an object (10.0 instead of 9.9 µs).
- What would help most: writing the parts that no rule looks into (`spec`, `data`) in canonical form while they are parsed,
  without a tree.
";

/// The page, with charts that lie in a folder beside it.
pub fn render(results: &Results, charts: &str) -> String {
    let mut page = HEAD.to_owned();
    // Writing into a String cannot fail.
    let _ = write!(page, "\nMachine: {}.\n\n## Goals\n\n", machine::describe());
    page.push_str("| what | goal | measured | beside | ratio | met |\n|---|---|---|---|---|---|\n");
    for goal in GOALS {
        let row = results.get(goal.measure);
        let cells = row.map_or_else(|| "not yet | | | ".to_owned(), cells);
        let met = match row.and_then(|row| row.met) {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "not yet",
        };
        let _ = writeln!(page, "| {} | {} | {cells} | {met} |", goal.what, goal.goal);
    }
    page.push_str(FOUND);
    let mut family = "";
    for row in results.rows() {
        let of = row.name.split('.').next().unwrap_or_default();
        if of != family {
            family = of;
            let _ = write!(page, "\n## {}\n\n", title(of));
            for chart in CHARTS.iter().filter(|chart| chart.is_of(of) && chart.svg(results).is_some()) {
                let _ = write!(page, "![{}]({charts}/{}.svg)\n\n", chart.title, chart.name);
            }
            page.push_str("| measure | value | beside | ratio |\n|---|---|---|---|\n");
        }
        let _ = writeln!(page, "| {} | {} |", row.name, cells(row));
    }
    page
}

fn title(family: &str) -> &str {
    match family {
        "cold" => "First backup",
        "growth" => "Growth",
        "headline" => "The headline: few of many changed",
        "kinds" => "Many kinds",
        "latency" => "From change to durable",
        "micro" => "One object",
        "restart" => "Restart",
        "restore" => "Restore",
        "status" => "Status-only churn",
        "workers" => "Workers",
        other => other,
    }
}

fn cells(row: &Row) -> String {
    let spread = row.spread.map_or_else(String::new, |(a, b)| format!(" ({}–{})", number(a), number(b)));
    let beside =
        row.beside.as_ref().map_or_else(String::new, |(what, v)| format!("{what}: {} {}", number(*v), row.unit));
    let ratio = row.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    format!("{} {}{spread} | {beside} | {ratio}", number(row.value), row.unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_says_so() {
        let mut results = Results::default();
        results.add(Row::of_runs("growth.memory-slope", &[150.0], "B"));
        let page = render(&results, "performance");
        assert!(
            page.contains("| memory per object | ≤ 200 B from 100,000 to 1,000,000 | 150 B (150–150) |  |  | yes |")
        );
        assert!(page.contains("| 0 records | not yet | | |  | not yet |"));
    }
}
