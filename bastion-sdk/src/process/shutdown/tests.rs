//! Signals end processes, so each test runs itself again in a process of its own.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and its child reports on stderr"
)]

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use super::*;

/// Set in the process that gets the signals.
const CHILD: &str = "BASTION_SDK_TEST_CHILD";

/// What the child prints when it can be signalled, and when the first signal arrived.
const READY: &str = "ready";
const DRAINING: &str = "draining";

/// Waits for a signal, then for `drain`, then ends with 0.
fn child(drain: Duration) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let shutdown = shutdown_on_signals(42).unwrap();
        eprintln!("{READY}");
        shutdown.cancelled().await;
        eprintln!("{DRAINING}");
        tokio::time::sleep(drain).await;
    });
    std::process::exit(0);
}

struct Signalled(Child, BufReader<std::process::ChildStderr>);

impl Signalled {
    fn start(test: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", &format!("process::shutdown::tests::{test}")])
            .env(CHILD, "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self(child, stderr)
    }

    fn wait_for(&mut self, word: &str) {
        let mut lines = self.1.by_ref().lines();
        assert!(lines.any(|line| line.unwrap() == word), "the process ended before it was {word}");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    fn wait(&mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

#[test]
fn the_first_signal_drains() {
    if std::env::var_os(CHILD).is_some() {
        return child(Duration::ZERO);
    }
    for signal in [Signal::INT, Signal::TERM] {
        let mut process = Signalled::start("the_first_signal_drains");
        process.wait_for(READY);
        process.signal(signal);
        process.wait_for(DRAINING);
        assert_eq!(process.wait().code(), Some(0));
    }
}

#[test]
fn the_second_signal_ends_the_process_at_once() {
    if std::env::var_os(CHILD).is_some() {
        return child(Duration::from_mins(10));
    }
    for (first, second) in [(Signal::INT, Signal::INT), (Signal::TERM, Signal::INT)] {
        let mut process = Signalled::start("the_second_signal_ends_the_process_at_once");
        process.wait_for(READY);
        process.signal(first);
        process.wait_for(DRAINING);
        process.signal(second);
        assert_eq!(process.wait().code(), Some(42));
    }
}
