//! What the person sees. Colour only on a terminal: `anstream` takes it out elsewhere.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this module is where the tasks print")]

use std::time::Duration;

use anstyle::{AnsiColor, Style};

const TITLE: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const DIM: Style = Style::new().dimmed();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// The start of a step.
pub fn step(title: &str) {
    anstream::println!("\n{TITLE}==> {title}{TITLE:#}");
}

/// A step that went well.
pub fn done(title: &str, took: Duration) {
    anstream::println!("{GOOD}    {title}: {}{GOOD:#}", seconds(took));
}

/// Plain text.
pub fn line(text: &str) {
    anstream::println!("{text}");
}

/// A chapter of a story.
pub fn chapter(number: usize, title: &str) {
    anstream::println!("\n{TITLE}{number}. {title}{TITLE:#}");
}

/// A command, as a person would type it.
pub fn command(line: &str) {
    anstream::println!("{DIM}$ {line}{DIM:#}");
}

/// What a command said; of a long answer its first and last lines.
pub fn quote(text: &str, first: usize, last: usize) {
    let lines: Vec<&str> = text.lines().collect();
    let left_out = lines.len().saturating_sub(first + last);
    // A note about one line is as long as the line.
    let (head, tail) = if left_out < 2 { (lines.len(), lines.len()) } else { (first, lines.len() - last) };
    lines[..head].iter().for_each(|line| anstream::println!("    {line}"));
    if left_out > 1 {
        anstream::println!("    {DIM}… {left_out} more lines{DIM:#}");
    }
    lines[tail..].iter().for_each(|line| anstream::println!("    {line}"));
}

/// Something that turned out well.
pub fn good(text: &str) {
    anstream::println!("{GOOD}{text}{GOOD:#}");
}

/// What went wrong, with its causes.
pub fn error(error: &(dyn std::error::Error + 'static)) {
    anstream::eprintln!("{BAD}error:{BAD:#} {error}");
    let mut next = error.source();
    while let Some(cause) = next {
        anstream::eprintln!("  because: {cause}");
        next = cause.source();
    }
}

/// `12.3 s`, `4 min 05 s`.
pub fn seconds(took: Duration) -> String {
    let whole = took.as_secs();
    if whole < 60 { format!("{:.1} s", took.as_secs_f32()) } else { format!("{} min {:02} s", whole / 60, whole % 60) }
}
