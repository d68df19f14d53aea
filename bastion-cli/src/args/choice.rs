//! Output formats. Not every verb knows every format, so each list is a type of its own.

use clap::ValueEnum;

/// Formats of `ls` and `history`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// Columns for people
    Table,
    /// More columns
    Wide,
    /// One JSON array
    Json,
    /// One YAML list
    Yaml,
    /// TYPE/NAME lines, for pipes
    Name,
}

/// Formats of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocumentFormat {
    /// The manifest as YAML
    Yaml,
    /// The manifest as JSON
    Json,
}

/// Formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people
    Text,
    /// One JSON document
    Json,
    /// The same as YAML
    Yaml,
}

/// Formats of what happens while it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventFormat {
    /// One line for people
    Text,
    /// One JSON document per line
    Json,
}
