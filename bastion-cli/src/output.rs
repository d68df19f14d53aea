//! What goes to stdout: lines, tables, JSON, YAML. Logs, progress and errors go to stderr.

use std::{
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::{
    args::ReportFormat,
    error::{CliError, Result},
};

/// stdout; strips colour where it is not wanted.
#[derive(Debug)]
pub(crate) struct Out {
    stdout: io::Stdout,
    unread: AtomicBool,
}

impl Default for Out {
    fn default() -> Self {
        Self { stdout: io::stdout(), unread: AtomicBool::new(false) }
    }
}

impl Out {
    /// Whether the reader went away (`bastion ls | head`). That is no error: nobody is left to tell, and the
    /// exit code is that of what was done.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.load(Relaxed)
    }

    fn unless_unread(&self, written: io::Result<()>) -> Result<()> {
        match written {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
                self.unread.store(true, Relaxed);
                Ok(())
            }
            written => Ok(written?),
        }
    }

    fn stream(&self) -> impl Write {
        anstream::AutoStream::auto(self.stdout.lock())
    }

    /// Writes a line.
    pub(crate) fn line(&self, text: impl std::fmt::Display) -> Result<()> {
        self.unless_unread(writeln!(self.stream(), "{text}"))
    }

    /// Writes text as it is.
    pub(crate) fn text(&self, text: &str) -> Result<()> {
        self.unless_unread(self.stream().write_all(text.as_bytes()))
    }

    /// Writes a document byte for byte: what takes colour out would take control characters out of its texts.
    fn document(&self, text: &str) -> Result<()> {
        self.unless_unread(self.stdout.lock().write_all(text.as_bytes()))
    }

    /// Writes a YAML document as it is; its writer has escaped what a terminal would obey.
    pub(crate) fn yaml_text(&self, text: &str) -> Result<()> {
        self.document(text)
    }

    /// Writes a JSON document as it is, control characters in its texts escaped.
    pub(crate) fn json_text(&self, text: &str) -> Result<()> {
        self.document(&escaped(text))
    }

    /// Writes a value as indented JSON.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(value).map_err(|e| render("the result as JSON", e))?;
        self.json_text(&format!("{text}\n"))
    }

    /// Writes a value as JSON on one line, at once (a pipe may wait for it).
    pub(crate) fn json_line(&self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value).map_err(|e| render("the event as JSON", e))?;
        self.json_text(&format!("{text}\n"))?;
        self.unless_unread(self.stdout.lock().flush())
    }

    /// Writes a value as YAML.
    pub(crate) fn yaml(&self, value: &impl Serialize) -> Result<()> {
        let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
        self.yaml_text(
            &serde_saphyr::to_string_with_options(value, options).map_err(|e| render("the result as YAML", e))?,
        )
    }

    /// Writes a report in the format that was asked for.
    pub(crate) fn report(&self, format: ReportFormat, report: &(impl Serialize + Report)) -> Result<()> {
        match format {
            ReportFormat::Text => self.text(&report.text()),
            ReportFormat::Json => self.json(report),
            ReportFormat::Yaml => self.yaml(report),
        }
    }
}

/// JSON may hold control characters beyond U+001F as they are; terminals obey some of them.
fn escaped(json: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_control() && c != '\n' {
            let _ = write!(out, "\\u{:04x}", u32::from(c)); // cannot fail
        } else {
            out.push(c);
        }
    }
    out
}

/// A report that people can read; its serialized form is stable.
pub(crate) trait Report {
    /// Lines for people, each ended.
    fn text(&self) -> String;
}

fn render(what: &str, e: impl std::error::Error + Send + Sync + 'static) -> CliError {
    CliError::Render { what: what.to_owned(), source: Box::new(e) }
}

/// Columns as kubectl prints them: capitals on top, no lines, nothing wrapped.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)).collect::<Vec<_>>());
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 3));
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Names come from a cluster, terminals obey control characters: those are shown, not sent.
pub(crate) fn printable(text: &str) -> String {
    if text.chars().any(char::is_control) { text.escape_debug().to_string() } else { text.to_owned() }
}

/// `1.2 MB`: decimal, as disks and bills count.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if n < 1000 {
        return format!("{n} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = n as f64;
    let mut unit = "";
    for name in UNITS {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = name;
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// `1 object`, `2 objects`.
pub(crate) fn count(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{} {what}s", thousands(n)) }
}

/// `12,345`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}

/// Whether a person can be asked: both what is read and what is shown is a terminal.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks on stderr; anything but a yes is a no.
pub(crate) fn ask(question: &str) -> Result<bool> {
    let mut stderr = anstream::stderr().lock();
    write!(stderr, "{question} [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_table_looks_like_kubectls() {
        let rows = [["web", "3"], ["a\u{1b}[31mb", "12"]].map(|row| row.map(str::to_owned).to_vec());
        insta::assert_snapshot!(table(&["NAME", "REVISION"], rows), @r"
        NAME           REVISION
        web            3
        a\u{1b}[31mb   12
        ");
    }

    #[test]
    fn json_keeps_every_character_and_sends_none_that_a_terminal_obeys() {
        let value = "a\u{7f}b\u{9b}31m\u{1b}[0m\u{85}é";
        let shown = escaped(&serde_json::to_string_pretty(&[value]).unwrap());
        assert_eq!(shown.chars().filter(|c| c.is_control() && *c != '\n').count(), 0, "{shown}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&shown).unwrap(), [value]);
    }

    #[test]
    fn numbers_are_short() {
        let shown: Vec<_> = [0, 999, 1000, 12_345, 999_499, 999_999, 8 << 20, 5_000_000_000].map(bytes).to_vec();
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "12 kB", "999 kB", "1.0 MB", "8.4 MB", "5.0 GB"]);
        assert_eq!(count(1, "object"), "1 object");
        assert_eq!(count(1_234_567, "object"), "1,234,567 objects");
    }
}
