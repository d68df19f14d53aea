//! What a process has used: CPU seconds and memory, as the kernel counts them.

use std::{fs, time::Duration};

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// CPU time of all its threads, in user and kernel mode.
    pub cpu: Duration,
    /// Memory that is resident now, in bytes.
    pub resident: u64,
    /// The most that ever was.
    pub peak: u64,
}

impl Usage {
    /// Of a process, or of this one; zeros where it is gone.
    pub fn of(process: Option<u32>) -> Self {
        let name = process.map_or_else(|| "self".to_owned(), |id| id.to_string());
        let status = fs::read_to_string(format!("/proc/{name}/status")).unwrap_or_default();
        let memory = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field))?;
            line.trim_start_matches(':').trim().split(' ').next()?.parse::<u64>().ok()
        };
        let kib = |field| memory(field).unwrap_or_default() << 10;
        Self { cpu: cpu(&name), resident: kib("VmRSS"), peak: kib("VmHWM") }
    }
}

/// The nanoseconds that the scheduler gave its threads: finer than the clock ticks of `/proc/…/stat`. Threads
/// that ended are only in the ticks, so the larger one counts.
fn cpu(name: &str) -> Duration {
    let threads = fs::read_dir(format!("/proc/{name}/task")).into_iter().flatten().flatten();
    let ran = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(ran.sum()).max(ticks(name))
}

fn ticks(name: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{name}/stat")).unwrap_or_default();
    // The name in brackets may hold anything; utime and stime are the 12th and 13th field after it.
    let fields = stat.rsplit(')').next().unwrap_or_default().split(' ').skip(12).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}
