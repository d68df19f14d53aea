use std::{
    fs::File,
    io::Write,
    os::fd::OwnedFd,
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bastion_core::store::{Key, Meta, PutMode, StoreError, StoreResult};
use rustix::{
    fs::{
        AtFlags, Dir, Mode, OFlags, RenameFlags, fstat, fsync, linkat, openat, renameat, renameat_with, statat,
        unlinkat,
    },
    io::Errno,
};

use super::{
    error::io_failed,
    folder::{Root, split},
    read::meta,
};

/// Where files are written before they get their names. No key has a `#` in it, so nothing else is called
/// that, and a list passes over it.
const TEMP: &str = ".#tmp";

/// What lies in [`TEMP`] for longer than this belongs to nobody any more.
const ABANDONED: Duration = Duration::from_hours(24);

/// Writes a file under a name of its own, syncs it, gives it its place, and syncs that.
pub(super) fn put(root: &Root, key: Key, body: &[u8], mode: PutMode) -> StoreResult<Meta> {
    let (folders, name) = split(&key);
    let failed = |errno| root.failed("writing", &key, errno);
    let folder = root.make_folder(folders).map_err(failed)?;
    if mode == PutMode::Create && statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
        return Err(exists(&key, &folder));
    }
    let temp = Temp::new(root).map_err(failed)?;
    let mut file = &temp.file;
    // A file whose sync failed is never tried again: the kernel may have dropped its pages and forgotten.
    file.write_all(body).and_then(|()| file.sync_all()).map_err(|error| io_failed("writing", &key, error))?;
    let stat = fstat(file).map_err(failed)?;
    match mode {
        PutMode::Create => temp.place_new(&folder, name),
        PutMode::Overwrite => temp.place(&folder, name),
    }
    .map_err(|errno| if errno == Errno::EXIST { exists(&key, &folder) } else { failed(errno) })?;
    fsync(&folder).map_err(|errno| unknown(&key, errno))?;
    Ok(meta(key, &stat))
}

/// Whoever hears that a file exists takes it for durable; whoever put it there may have died before it was.
fn exists(key: &Key, folder: &OwnedFd) -> StoreError {
    match fsync(folder) {
        Ok(()) => StoreError::AlreadyExists { key: key.to_string() },
        Err(errno) => unknown(key, errno),
    }
}

fn unknown(key: &Key, errno: Errno) -> StoreError {
    StoreError::OutcomeUnknown { key: key.to_string(), source: Box::new(std::io::Error::from(errno)) }
}

pub(super) fn delete(root: &Root, key: &Key) -> StoreResult<()> {
    let (folders, name) = split(key);
    let removed = root.open_folder(folders).and_then(|folder| {
        unlinkat(&folder, name, AtFlags::empty())?;
        fsync(&folder)
    });
    match removed {
        Ok(()) => Ok(()),
        // Not there, or a folder, or below a file: in each case no file of that key.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ISDIR) => root.check_present(),
        Err(errno) => Err(root.failed("deleting", key, errno)),
    }
}

/// A file without a place yet; removed unless it gets one.
struct Temp {
    folder: OwnedFd,
    name: String,
    file: File,
    placed: bool,
}

impl Temp {
    fn new(root: &Root) -> Result<Self, Errno> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let folder = root.make_folder(std::iter::once(TEMP))?;
        if !root.swept.swap(true, Ordering::Relaxed) {
            sweep(&folder);
        }
        loop {
            // Unique on this host by pid and count; another host's (NFS) by the nanoseconds, or tried again.
            let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            let name = format!("{nanos:x}-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match openat(&folder, &name, flags, Mode::from_raw_mode(0o640)) {
                Ok(fd) => return Ok(Self { folder, name, file: File::from(fd), placed: false }),
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    /// Moves it to where nothing lies yet.
    fn place_new(mut self, folder: &OwnedFd, name: &str) -> Result<(), Errno> {
        match renameat_with(&self.folder, &self.name, folder, name, RenameFlags::NOREPLACE) {
            // NFS and others cannot do that; there a second name does, and dropping `self` takes the first.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                linkat(&self.folder, &self.name, folder, name, AtFlags::empty())
            }
            Ok(()) => {
                self.placed = true;
                Ok(())
            }
            Err(errno) => Err(errno),
        }
    }

    /// Moves it in place of whatever lies there.
    fn place(mut self, folder: &OwnedFd, name: &str) -> Result<(), Errno> {
        renameat(&self.folder, &self.name, folder, name)?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.placed {
            // Best effort: what stays is swept later.
            let _ = unlinkat(&self.folder, &self.name, AtFlags::empty());
        }
    }
}

/// Removes what crashes left behind; what cannot be removed stays.
fn sweep(temp: &OwnedFd) {
    let Ok(entries) = Dir::read_from(temp) else { return };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    for entry in entries.flatten() {
        let old = statat(temp, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| u64::try_from(stat.st_mtime).is_ok_and(|modified| modified + ABANDONED.as_secs() < now));
        if old {
            let _ = unlinkat(temp, entry.file_name(), AtFlags::empty());
        }
    }
}
