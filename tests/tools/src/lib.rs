//! The programs that Bastion's tests start, and what they need of the machine.
//!
//! - [`tools`]: the real servers, found, or built once from the Go modules beside this crate;
//! - [`need`]: what only some machines have; with `CI` set a test fails where it is missing, and is never skipped.
//!
//! Nothing here is large: `cargo xtask` is built on it and answers within seconds on a fresh clone.

pub mod error;
pub mod need;
pub mod tools;

pub use error::{Context, Error, Result};
pub use need::Need;
pub use tools::Tool;

/// Prints a line for the person who waits: progress of long work, seeds, logs of what failed.
#[allow(clippy::print_stderr, reason = "a test library reports to the person in front of it")]
pub fn say(line: &str) {
    eprintln!("{line}");
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // cannot fail
        text
    })
}
