use std::{os::fd::OwnedFd, sync::Arc, vec};

use bastion_core::store::{Key, Meta, Prefix, StoreError, StoreResult};
use rustix::{
    fs::{AtFlags, Dir, FileType, statat},
    io::Errno,
};

use super::{
    error::failed,
    folder::{Root, open_child},
    read::meta,
};

/// The first part of a list is small, for callers who want the first entry only; later ones are this large.
const MOST_AT_ONCE: usize = 512;

/// A walk through folders that meets files in the byte order of their whole keys, one folder's names in
/// memory at a time for each level.
pub(super) struct Walk {
    root: Arc<Root>,
    prefix: String,
    after: Option<String>,
    /// `None` before the first step.
    levels: Option<Vec<Level>>,
    at_once: usize,
}

/// A folder on the way.
struct Level {
    fd: OwnedFd,
    /// Empty, or with `/` at its end.
    path: String,
    /// What is left of it. A folder's name has a `/` at its end, by which it is also sorted: `a-b` comes
    /// before `a/`, and that before `a0`.
    names: vec::IntoIter<String>,
}

impl Walk {
    pub(super) fn new(root: Arc<Root>, prefix: &Prefix, after: Option<&Key>) -> Self {
        let (prefix, after) = (prefix.as_str().to_owned(), after.map(|key| key.as_str().to_owned()));
        Self { root, prefix, after, levels: None, at_once: 8 }
    }

    /// The next few files; none at the end.
    pub(super) fn next_entries(&mut self) -> StoreResult<Vec<Meta>> {
        let mut levels = match self.levels.take() {
            Some(levels) => levels,
            None => self.start()?,
        };
        let mut entries = Vec::new();
        while entries.len() < self.at_once
            && let Some(level) = levels.last_mut()
        {
            let Some(name) = level.names.next() else {
                levels.pop();
                continue;
            };
            let path = format!("{}{name}", level.path);
            if let Some(folder) = name.strip_suffix('/') {
                match open_child(&level.fd, folder) {
                    Ok(fd) => levels.push(self.level(fd, path)?),
                    Err(Errno::NOENT | Errno::NOTDIR) => {} // gone since
                    Err(errno) => return Err(failed("listing", path, errno)),
                }
            } else {
                entries.extend(entry(&level.fd, &name, path)?);
            }
        }
        self.levels = Some(levels);
        self.at_once = (self.at_once * 4).min(MOST_AT_ONCE);
        Ok(entries)
    }

    fn start(&self) -> StoreResult<Vec<Level>> {
        match self.root.open_folder(self.prefix.split_terminator('/')) {
            Ok(fd) => Ok(vec![self.level(fd, self.prefix.clone())?]),
            Err(Errno::NOENT | Errno::NOTDIR) => self.root.check_present().map(|()| Vec::new()),
            Err(errno) => Err(failed("listing", &self.prefix, errno)),
        }
    }

    /// Reads a folder's names, without those that come before what is wanted.
    fn level(&self, fd: OwnedFd, path: String) -> StoreResult<Level> {
        let broken = |errno| failed("listing", &path, errno);
        let mut names = Vec::new();
        for entry in Dir::read_from(&fd).map_err(broken)? {
            let entry = entry.map_err(broken)?;
            // Names that no key has are not ours: `.`, `..`, `.#tmp`, `lost+found`.
            let Some(name) = entry.file_name().to_str().ok().filter(|name| Key::parse(name).is_some()) else {
                continue;
            };
            let kind = match entry.file_type() {
                FileType::Unknown => match statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                    Err(Errno::NOENT) => continue,
                    Err(errno) => return Err(broken(errno)),
                },
                kind => kind,
            };
            let name = match kind {
                FileType::Directory => format!("{name}/"),
                FileType::RegularFile => name.to_owned(),
                // Left out it would be a list with a hole.
                FileType::Symlink => return Err(failed("listing", format!("{path}{name}"), Errno::LOOP)),
                _ => continue,
            };
            if self.wants(&path, &name) {
                names.push(name);
            }
        }
        if names.is_empty() && path.is_empty() {
            self.root.check_present()?;
        }
        names.sort_unstable();
        Ok(Level { fd, path, names: names.into_iter() })
    }

    /// Whether this file, or something in this folder, comes after `after`.
    fn wants(&self, path: &str, name: &str) -> bool {
        let Some(after) = &self.after else { return true };
        let whole = format!("{path}{name}");
        whole > *after || (name.ends_with('/') && after.starts_with(&whole))
    }
}

fn entry(folder: &OwnedFd, name: &str, path: String) -> StoreResult<Option<Meta>> {
    let stat = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(None), // deleted since
        Err(errno) => return Err(failed("listing", path, errno)),
    };
    // Every name is a part of a key, so the whole is one.
    let key = Key::parse(&path)
        .ok_or_else(|| StoreError::Corrupt { key: path, why: "this is not a repository key".into() })?;
    Ok(Some(meta(key, &stat)))
}
