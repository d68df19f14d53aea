use std::{
    collections::BTreeSet,
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, atomic::AtomicBool},
};

use bastion_core::store::{Key, StoreError, StoreResult};
use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, fsync, mkdirat, openat, statat},
    io::Errno,
};

use super::error::failed;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o750);

/// Folders that are known to be durable are forgotten beyond this many; a view has one per object.
const MOST_REMEMBERED: usize = 10_000;

/// The folder that everything lies in, held open.
#[derive(Debug)]
pub(super) struct Root {
    fd: OwnedFd,
    path: PathBuf,
    /// Folders whose names have been synced since this store was opened.
    durable: Mutex<BTreeSet<String>>,
    /// Whether what crashes left behind has been looked for.
    pub(super) swept: AtomicBool,
}

/// The folders of a key's path, and the file's name.
pub(super) fn split(key: &Key) -> (impl Iterator<Item = &str>, &str) {
    let name = key.file_name();
    let folders = &key.as_str()[..key.as_str().len() - name.len()];
    (folders.split_terminator('/'), name)
}

/// Makes a folder and those above it where they are missing, and sees that they outlive a power cut.
pub(super) fn create(path: &Path) -> StoreResult<()> {
    let broken = |errno| failed("creating folder", path.display(), errno);
    // The innermost first; a relative path ends with an empty one.
    let missing: Vec<_> = path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists()).collect();
    for folder in missing.iter().rev() {
        match mkdirat(CWD, *folder, FOLDER_MODE) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(broken(errno)),
        }
        let above = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let above = openat(CWD, above, FOLDER.difference(OFlags::NOFOLLOW), Mode::empty());
        above.and_then(fsync).map_err(broken)?;
    }
    Ok(())
}

impl Root {
    pub(super) fn open(path: PathBuf) -> StoreResult<Self> {
        // Where the user points to may be a symbolic link; only within the root none is followed.
        let fd = openat(CWD, &path, FOLDER.difference(OFlags::NOFOLLOW), Mode::empty());
        let fd = fd.map_err(|errno| match errno {
            Errno::NOENT | Errno::NOTDIR => {
                let source = Box::new(io::Error::from(errno));
                StoreError::NoSuchPlace { place: format!("folder {}", path.display()), source: Some(source) }
            }
            errno => failed("opening folder", path.display(), errno),
        })?;
        Ok(Self { fd, path, durable: Mutex::default(), swept: AtomicBool::new(false) })
    }

    /// What a failed call on `key` means. Where the root itself has been removed, nothing in it "does not
    /// exist": the place is gone.
    pub(super) fn failed(&self, doing: &str, key: &Key, errno: Errno) -> StoreError {
        self.check_present().err().unwrap_or_else(|| failed(doing, key, errno))
    }

    /// Fails where the root has been removed since it was opened.
    pub(super) fn check_present(&self) -> StoreResult<()> {
        let gone = || StoreError::NoSuchPlace { place: format!("folder {}", self.path.display()), source: None };
        match fstat(&self.fd) {
            Ok(stat) if stat.st_nlink == 0 => Err(gone()),
            Ok(_) => Ok(()),
            Err(errno) => Err(failed("opening folder", self.path.display(), errno)),
        }
    }

    /// Opens the folder with this path below the root.
    pub(super) fn open_folder<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<OwnedFd, Errno> {
        let mut folder = self.fd.try_clone().map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::MFILE))?;
        for name in names {
            folder = open_child(&folder, name)?;
        }
        Ok(folder)
    }

    /// Opens the folder with this path, makes what is missing of it, and sees that its name outlives a
    /// power cut.
    pub(super) fn make_folder<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<OwnedFd, Errno> {
        let mut folder = self.fd.try_clone().map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::MFILE))?;
        let mut path = String::new();
        for name in names {
            path.push('/');
            path.push_str(name);
            let child = match open_child(&folder, name) {
                Err(Errno::NOENT) => {
                    match mkdirat(&folder, name, FOLDER_MODE) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(errno) => return Err(errno),
                    }
                    self.forget(&path);
                    open_child(&folder, name)?
                }
                other => other?,
            };
            // Also where somebody else made it: that one may have died before syncing it.
            if !self.is_durable(&path) {
                fsync(&folder)?;
                self.remember(path.clone());
            }
            folder = child;
        }
        Ok(folder)
    }

    fn durable(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_durable(&self, path: &str) -> bool {
        self.durable().contains(path)
    }

    fn forget(&self, path: &str) {
        self.durable().remove(path);
    }

    fn remember(&self, path: String) {
        let mut durable = self.durable();
        if durable.len() >= MOST_REMEMBERED {
            durable.clear();
        }
        durable.insert(path);
    }
}

/// Opens a folder by its name in another; a symbolic link is `ELOOP`.
pub(super) fn open_child(folder: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    openat(folder, name, FOLDER, Mode::empty()).map_err(|errno| match errno {
        // Linux says ENOTDIR of a link as well.
        Errno::NOTDIR if is_link(folder, name) => Errno::LOOP,
        errno => errno,
    })
}

fn is_link(folder: &OwnedFd, name: &str) -> bool {
    statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}
