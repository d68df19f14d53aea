//! The verbs: each file has a verb's arguments and what it does.

pub(crate) mod adopt;
pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod deletions;
pub(crate) mod diff;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod ls;
pub(crate) mod restore;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod verify;
pub(crate) mod watch;
