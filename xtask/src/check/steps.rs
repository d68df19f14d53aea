//! Steps, one after the other, and how long each took.

use std::time::{Duration, Instant};

use crate::{Result, screen};

/// Steps with their times.
#[derive(Debug, Default)]
pub(super) struct Steps {
    times: Vec<(String, Duration)>,
}

impl Steps {
    /// Runs one, and shows all times if it fails.
    pub(super) fn run(&mut self, title: &str, step: impl FnOnce() -> Result<()>) -> Result<()> {
        screen::step(title);
        let started = Instant::now();
        let result = step();
        let took = started.elapsed();
        if result.is_ok() {
            screen::done(title, took);
        } else {
            self.report();
        }
        self.times.push((title.to_owned(), took));
        result
    }

    /// Shows the times.
    pub(super) fn report(&self) {
        screen::step("times");
        for (title, took) in &self.times {
            screen::line(&format!("{title:>32}  {}", screen::seconds(*took)));
        }
        let total = self.times.iter().map(|(_, took)| *took).sum();
        screen::line(&format!("{:>32}  {}", "together", screen::seconds(total)));
    }
}
