//! Bar charts beside the tables, as plain SVG.

use std::fmt::Write as _;

use crate::{
    numbers::number,
    results::{Results, Row},
};

/// A chart of all measures whose names begin and end so.
#[derive(Debug, Clone, Copy)]
pub struct Chart {
    /// Its file, without `.svg`.
    pub name: &'static str,
    /// What it shows.
    pub title: &'static str,
    family: &'static str,
    ends: &'static [&'static str],
}

/// All of them.
pub const CHARTS: &[Chart] = &[
    Chart { name: "cold", title: "First backup, beside the fastest complete read", family: "cold", ends: &[".time"] },
    Chart {
        name: "growth",
        title: "CPU time of a change, by the number of objects",
        family: "growth",
        ends: &[".changed.cpu"],
    },
    Chart {
        name: "memory",
        title: "Resident memory, by the number of objects",
        family: "growth",
        ends: &[".peak", ".steady"],
    },
    Chart { name: "headline", title: "Few of many changed, beside Velero", family: "headline", ends: &["0.time"] },
    Chart {
        name: "latency",
        title: "From a change to its record, by changes a second; far: 50 ms added to each request",
        family: "latency",
        ends: &[".p50", ".p99"],
    },
    Chart {
        name: "workers",
        title: "The same while another kind is flooded, beside a bare watcher",
        family: "workers",
        ends: &[".p50", ".p99"],
    },
];

const WIDTH: f64 = 800.0;
const LINE: f64 = 22.0;
const LEFT: f64 = 190.0;
const LONGEST: f64 = 330.0;

/// A bar: what it says, how long it is, and whether it is of what Bastion is compared with.
struct Bar {
    label: String,
    text: String,
    value: f64,
    beside: bool,
}

impl Chart {
    /// Whether it belongs to this family of measures.
    pub fn is_of(&self, family: &str) -> bool {
        self.family == family
    }

    /// The picture; nothing where nothing was measured.
    pub fn svg(&self, results: &Results) -> Option<String> {
        let bars: Vec<Bar> = results.rows().filter_map(|row| self.bars(row)).flatten().collect();
        let longest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
        if longest <= 0.0 {
            return None;
        }
        let lines = bars.iter().zip(1_u32..).map(|(bar, n)| (bar, f64::from(n) * LINE));
        let height = lines.clone().last().map_or(0.0, |(_, y)| y) + 2.0 * LINE;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n\
             <text x=\"8\" y=\"16\" font-weight=\"bold\">{}</text>\n",
            self.title
        );
        for (bar, y) in lines {
            let width = (bar.value / longest * LONGEST).max(1.0);
            let colour = if bar.beside { "#bbb" } else { "#2a6fb0" };
            let (base, after) = (y + 17.0, LEFT + width + 6.0);
            // Writing into a String cannot fail.
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{base}\" text-anchor=\"end\">{}</text>\
                 <rect x=\"{LEFT}\" y=\"{}\" width=\"{width:.1}\" height=\"16\" fill=\"{colour}\"/>\
                 <text x=\"{after:.1}\" y=\"{base}\">{}</text>",
                LEFT - 8.0,
                bar.label,
                y + 4.0,
                bar.text
            );
        }
        svg.push_str("</svg>\n");
        Some(svg)
    }

    fn bars(&self, row: &Row) -> Option<Vec<Bar>> {
        let label = row.name.strip_prefix(self.family)?.strip_prefix('.')?;
        self.ends.iter().find(|end| row.name.ends_with(**end))?;
        let text = format!("{} {}", number(row.value), row.unit);
        let ours = Bar { label: label.to_owned(), text, value: row.value, beside: false };
        let beside = row.beside.as_ref().map(|(what, value)| {
            let text = format!("{} {} {what}", number(*value), row.unit);
            Bar { label: String::new(), text, value: *value, beside: true }
        });
        Some([Some(ours), beside].into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_a_bar_for_each_measure_and_for_what_it_is_compared_with() {
        let mut results = Results::default();
        assert_eq!(CHARTS[0].svg(&results), None);
        results.add(Row::new("cold.minio.10000.time", 2.0, "s").beside("floor", 1.0, 2.0));
        results.add(Row::new("cold.minio.10000.cpu", 2.0, "s"));
        let svg = CHARTS[0].svg(&results).unwrap_or_default();
        assert_eq!(svg.matches("<rect").count(), 3, "{svg}");
        assert!(svg.contains(">minio.10000.time</text>") && svg.contains("1.00 s floor"), "{svg}");
    }
}
