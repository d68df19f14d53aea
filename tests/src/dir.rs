//! Temporary folders that keep the logs of a failed test.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Once,
};

use crate::{
    error::{Context as _, Result},
    process::tail,
    say,
};

const PREFIX: &str = "bastion-test-";

/// A folder below the system's temporary folder. It goes with the value, unless a test is failing just
/// then: it is kept in that case, and the ends of the logs in it are printed.
#[derive(Debug)]
pub struct TestDir {
    path: PathBuf,
}

impl TestDir {
    /// Makes an empty folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(name: &str) -> Result<Self> {
        static SWEEP: Once = Once::new();
        SWEEP.call_once(sweep);
        let prefix = format!("{PREFIX}{}-{name}-", std::process::id());
        let dir = tempfile::Builder::new().prefix(&prefix).tempdir().context("temporary folder")?;
        Ok(Self { path: dir.keep() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Prints the ends of all logs in it.
    pub fn print_logs(&self) {
        let Ok(entries) = fs::read_dir(&self.path) else { return };
        for path in entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "log")) {
            say(&format!("--- the end of {}\n{}", path.display(), tail(&path, 15)));
        }
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.print_logs();
            say(&format!("kept {}", self.path.display()));
        } else {
            drop(fs::remove_dir_all(&self.path));
        }
    }
}

/// Removes what killed test programs left behind: folders named after a process that is no more.
fn sweep() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|n| n.strip_prefix(PREFIX)).and_then(|n| n.split('-').next());
        if pid.is_some_and(|pid| pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists()) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}
