//! Rows of measures, kept from run to run in `target/bench/results.json`.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::{Deserialize, Serialize};

use crate::goals::Goal;

/// One measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What was measured, for example `cold.minio.100000.time`.
    pub name: String,
    /// The value: a median where there were several runs.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// The least and the most of several runs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spread: Option<(f64, f64)>,
    /// What it is compared with: the floor, or a peer, with its value in the same unit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub beside: Option<(String, f64)>,
    /// The ratio to that: the median of the paired ratios where runs were paired.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ratio: Option<f64>,
    /// The goal in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub goal: Option<String>,
    /// Whether the goal is met.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub met: Option<bool>,
    /// When it was measured.
    pub at: String,
}

impl Row {
    /// A measure with one value.
    pub fn new(name: impl Into<String>, value: f64, unit: &str) -> Self {
        let at = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M").to_string();
        let none = Self {
            name: name.into(),
            value,
            unit: unit.to_owned(),
            spread: None,
            beside: None,
            ratio: None,
            goal: None,
            met: None,
            at,
        };
        none.judged()
    }

    /// The median of several runs, with the least and the most of them.
    pub fn of_runs(name: impl Into<String>, runs: &[f64], unit: &str) -> Self {
        let spread = runs.iter().fold((f64::INFINITY, 0.0_f64), |(least, most), v| (least.min(*v), most.max(*v)));
        Self { spread: Some(spread), ..Self::new(name, median(runs), unit) }
    }

    /// What it is compared with, and the ratio to it.
    #[must_use]
    pub fn beside(mut self, what: &str, value: f64, ratio: f64) -> Self {
        self.beside = Some((what.to_owned(), value));
        self.ratio = Some(ratio);
        self.judged()
    }

    fn judged(mut self) -> Self {
        if let Some(goal) = Goal::of(&self.name) {
            self.goal = Some(goal.goal.to_owned());
            self.met = goal.is_met(self.value, self.ratio);
        }
        self
    }
}

/// The middle one; 0 of none.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 50.0)
}

/// The value that this many of a hundred do not exceed; 0 of none.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
pub fn percentile(values: &[f64], hundredths: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * hundredths / 100.0).round() as usize).copied().unwrap_or(0.0)
}

/// The newest row of each measure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Results(BTreeMap<String, Row>);

impl Results {
    /// What was measured before; nothing where there is no file.
    pub fn read(path: &Path) -> io::Result<Self> {
        match fs::read(path) {
            Ok(bytes) => {
                let rows: Vec<Row> = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
                // Goals may have changed since.
                Ok(Self(rows.into_iter().map(|row| (row.name.clone(), row.judged())).collect()))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(e),
        }
    }

    /// Takes in a measure, instead of an older one of that name.
    pub fn add(&mut self, row: Row) {
        self.0.insert(row.name.clone(), row);
    }

    /// The row of a measure.
    pub fn get(&self, name: &str) -> Option<&Row> {
        self.0.get(name)
    }

    /// All rows by name.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.0.values()
    }

    /// Writes the rows.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let rows: Vec<&Row> = self.rows().collect();
        fs::write(path, serde_json::to_vec_pretty(&rows).map_err(io::Error::other)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp)]
    fn percentiles_are_values_that_were_measured() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(percentile(&[1.0, 2.0, 3.0, 4.0], 99.0), 4.0);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn whether_a_goal_is_met_is_computed() {
        let slow = Row::of_runs("cold.minio.100000.time", &[12.0, 11.0, 13.0], "s").beside("floor", 10.0, 1.2);
        assert_eq!((slow.met, slow.spread), (Some(false), Some((11.0, 13.0))));
        assert_eq!(Row::new("cold.minio.100000.time", 12.0, "s").met, None);
        assert_eq!(Row::new("growth.memory-slope", 120.0, "B").met, Some(true));
        assert_eq!(Row::new("something else", 120.0, "B").goal, None);
    }
}
