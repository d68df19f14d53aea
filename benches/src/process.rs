//! What a process has used: CPU seconds and memory, as the kernel counts them.

use std::{collections::BTreeMap, fs, time::Duration};

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
        Self { cpu: cpu(&name), resident: kib(&status, "VmRSS"), peak: kib(&status, "VmHWM") }
    }

    /// Of a process and its descendants together: CPU time of those that ended included, pages that they share
    /// counted once. The peak of them all is known to nobody: look at `resident` often.
    pub fn of_family(process: u32) -> Self {
        let parents = parents();
        let is_of = |id: u32| std::iter::successors(Some(id), |id| parents.get(id).copied()).any(|id| id == process);
        parents.keys().filter(|id| is_of(**id)).fold(Self::default(), |all, id| {
            let own = Self::of(Some(*id));
            let cpu = all.cpu + own.cpu + ticks(&id.to_string(), ENDED_CHILDREN);
            Self { cpu, resident: all.resident + proportional(*id), peak: 0 }
        })
    }
}

/// Bytes in MiB, as they are reported.
#[allow(clippy::cast_precision_loss)]
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// A line `<field>: <number> kB`, in bytes; 0 where there is none.
fn kib(text: &str, field: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.and_then(|value| value.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or_default() << 10
}

/// Resident memory of a process, shared pages divided by how many share them.
fn proportional(process: u32) -> u64 {
    let memory = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    kib(&memory, "Pss")
}

/// Each process and its parent.
fn parents() -> BTreeMap<u32, u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter_map(|id| Some((id, fields(&id.to_string()).get(2)?.parse().ok()?))).collect()
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
    Duration::from_nanos(ran.sum()).max(ticks(name, OWN))
}

/// Where utime and stime stand in [`fields`]: a process's own, and those of the children that it has waited for.
const OWN: usize = 12;
const ENDED_CHILDREN: usize = 14;

fn ticks(name: &str, first: usize) -> Duration {
    let ticks: u64 = fields(name).iter().skip(first).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}

/// What stands in `/proc/…/stat` after the name in brackets, which may hold anything.
fn fields(name: &str) -> Vec<String> {
    let stat = fs::read_to_string(format!("/proc/{name}/stat")).unwrap_or_default();
    stat.rsplit(')').next().unwrap_or_default().split(' ').map(str::to_owned).collect()
}
