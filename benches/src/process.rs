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

/// How many connections a process holds to a TCP port over IPv4.
pub fn connections(process: Option<u32>, port: u16) -> usize {
    let Some(id) = process else { return 0 };
    let files = fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten();
    let sockets: Vec<String> = files
        .filter_map(|file| {
            let link = fs::read_link(file.path()).ok()?;
            Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let table = fs::read_to_string(format!("/proc/{id}/net/tcp")).unwrap_or_default();
    // Remote address and state (1: established) are the third and fourth field, the inode is the tenth.
    let is_one = |line: &&str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let to = fields.get(2).and_then(|address| address.split(':').nth(1)).unwrap_or_default();
        u16::from_str_radix(to, 16) == Ok(port)
            && fields.get(3) == Some(&"01")
            && fields.get(9).is_some_and(|inode| sockets.iter().any(|socket| socket == inode))
    };
    table.lines().filter(is_one).count()
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
