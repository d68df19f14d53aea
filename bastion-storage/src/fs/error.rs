use std::fmt::Display;

use bastion_core::store::StoreError;
use rustix::io::Errno;

/// What a failed system call means for a store.
pub(super) fn failed(doing: &str, key: impl Display, errno: Errno) -> StoreError {
    let (key, source) = (key.to_string(), Box::new(std::io::Error::from(errno)));
    match errno {
        Errno::NOENT => StoreError::NotFound { key },
        Errno::EXIST => StoreError::AlreadyExists { key },
        Errno::NOSPC | Errno::DQUOT => StoreError::Full { key, source },
        Errno::ACCESS | Errno::PERM | Errno::ROFS => StoreError::Denied { key, source },
        // A path component that is a symbolic link, see `folder`.
        Errno::LOOP => {
            let source = "its path contains a symbolic link, and links inside a repository are not followed".into();
            StoreError::Denied { key, source }
        }
        // A disk that fails, a mount that is away, too many open files: may pass.
        Errno::IO
        | Errno::STALE
        | Errno::TIMEDOUT
        | Errno::HOSTDOWN
        | Errno::HOSTUNREACH
        | Errno::NOTCONN
        | Errno::NFILE
        | Errno::MFILE
        | Errno::NOMEM
        | Errno::INTR
        | Errno::AGAIN
        | Errno::BUSY => StoreError::Unavailable { key, source },
        _ => StoreError::Other { what: format!("{doing} {key}"), source },
    }
}

/// As [`failed`], for what std did.
pub(super) fn io_failed(doing: &str, key: impl Display, error: std::io::Error) -> StoreError {
    match Errno::from_io_error(&error) {
        Some(errno) => failed(doing, key, errno),
        None => StoreError::Other { what: format!("{doing} {key}"), source: Box::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use bastion_core::Category;

    use super::*;

    #[test]
    fn system_calls_fail_as_what_they_mean() {
        let cases = [
            (Errno::NOENT, Category::NotFound),
            (Errno::EXIST, Category::Conflict),
            (Errno::NOSPC, Category::Unavailable),
            (Errno::ROFS, Category::Denied),
            (Errno::LOOP, Category::Denied),
            (Errno::IO, Category::Unavailable),
            (Errno::NAMETOOLONG, Category::Other),
        ];
        for (errno, category) in cases {
            let error = failed("writing", "a/b", errno);
            assert_eq!(error.category(), category, "{errno}");
            assert!(error.to_string().contains("a/b"), "{error}");
        }
        assert!(matches!(failed("writing", "a", Errno::NOSPC), StoreError::Full { .. }));
    }
}
