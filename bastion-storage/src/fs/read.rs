use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::Range,
};

use bastion_core::{
    store::{Key, MAX_FILE, Meta, StoreError, StoreResult, check_range},
    time::Timestamp,
};
use bytes::Bytes;
use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, Stat, openat, statat},
    io::Errno,
};

use super::{
    error::io_failed,
    folder::{Root, split},
};

pub(super) fn get(root: &Root, key: &Key, range: Option<Range<u64>>) -> StoreResult<Bytes> {
    let (folders, name) = split(key);
    // NONBLOCK: a planted FIFO must not hold us up.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = root.open_folder(folders).and_then(|folder| openat(folder, name, flags, Mode::empty()));
    let mut file = File::from(opened.map_err(|errno| absent(root, key, errno))?);
    let failed = |error| io_failed("reading", key, error);
    let stat = file.metadata().map_err(failed)?;
    if !stat.is_file() {
        return Err(StoreError::NotFound { key: key.to_string() });
    }
    let range = match range {
        Some(range) => check_range(key, stat.len(), &range)?,
        None => 0..stat.len(),
    };
    let len = usize::try_from(range.end - range.start).ok().filter(|len| *len <= MAX_FILE).ok_or_else(|| {
        let why = format!("it has {} bytes, more than any repository file", stat.len());
        StoreError::Corrupt { key: key.to_string(), why }
    })?;
    if range.start > 0 {
        file.seek(SeekFrom::Start(range.start)).map_err(failed)?;
    }
    let mut body = Vec::with_capacity(len);
    file.take(len as u64).read_to_end(&mut body).map_err(failed)?;
    if body.len() < len {
        let why = format!("it ended after {} of {len} bytes", body.len());
        return Err(StoreError::Corrupt { key: key.to_string(), why });
    }
    Ok(body.into())
}

pub(super) fn head(root: &Root, key: Key) -> StoreResult<Meta> {
    let (folders, name) = split(&key);
    let found = root.open_folder(folders).and_then(|folder| statat(folder, name, AtFlags::SYMLINK_NOFOLLOW));
    let stat = found.map_err(|errno| absent(root, &key, errno))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(meta(key, &stat)),
        FileType::Symlink => Err(root.failed("reading", &key, Errno::LOOP)),
        _ => Err(StoreError::NotFound { key: key.to_string() }),
    }
}

/// A file where the path wants a folder means that the key does not exist.
fn absent(root: &Root, key: &Key, errno: Errno) -> StoreError {
    let errno = if errno == Errno::NOTDIR { Errno::NOENT } else { errno };
    root.failed("reading", key, errno)
}

pub(super) fn meta(key: Key, stat: &Stat) -> Meta {
    #[allow(clippy::unnecessary_cast, clippy::cast_lossless, clippy::cast_possible_wrap)]
    // the types differ from system to system
    let millis = (stat.st_mtime as i64).saturating_mul(1000).saturating_add(stat.st_mtime_nsec as i64 / 1_000_000);
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    Meta::new(key, size).modified(Some(Timestamp::from_millis(millis)))
}
