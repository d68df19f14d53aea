//! Creating a file that others may create at the same moment, when answers get lost.

use std::time::Duration;

use bytes::Bytes;

use super::log::Log;
use crate::{
    error::{Error, Result},
    store::{Key, PutOptions, StoreError},
};

/// Who has a key.
#[derive(Debug)]
pub(crate) enum Claim {
    /// These bytes lie there: we do, whatever the answers said.
    Ours,
    /// Others do.
    Theirs(Bytes),
    /// It took so long that the log's end must be read before the same key is tried again: what lay there
    /// may have been read by others and deleted meanwhile.
    Unsure,
}

impl Log {
    /// Creates a numbered file. Tries on while the storage is away, until `deadline` (by the runtime's
    /// uptime).
    ///
    /// The same bytes are sent again after a lost answer, and after "exists already" what lies there is
    /// compared with them: equal is own success.
    pub(crate) async fn claim(&self, key: &Key, bytes: &Bytes, deadline: Option<Duration>) -> Result<Claim> {
        let mut attempts = self.attempts();
        loop {
            let error = match self.store.put(key, bytes.clone(), &PutOptions::create()).await {
                Ok(_) => return Ok(Claim::Ours),
                Err(StoreError::AlreadyExists { .. }) => match self.get(key, None).await {
                    Ok(stored) if stored == *bytes => return Ok(Claim::Ours),
                    Ok(stored) => return Ok(Claim::Theirs(stored)),
                    Err(StoreError::NotFound { .. }) => return Ok(Claim::Unsure),
                    Err(e) => e,
                },
                Err(e) => e,
            };
            if !attempts.again(&error).await {
                return Err(error.into());
            }
            if deadline.is_some_and(|d| self.runtime.uptime() >= d) {
                return Ok(Claim::Unsure);
            }
        }
    }

    /// Stores a file that is named by its content: it may be sent as often as need be, and whoever was
    /// faster stored the same.
    pub(crate) async fn store_named(&self, key: &Key, bytes: &Bytes) -> Result<()> {
        let mut attempts = self.attempts();
        loop {
            let error = match self.store.put(key, bytes.clone(), &PutOptions::create()).await {
                Ok(_) => return Ok(()),
                Err(StoreError::AlreadyExists { .. }) => match self.store.head(key).await {
                    Ok(meta) if meta.size == bytes.len() as u64 => return Ok(()),
                    Ok(meta) => {
                        let why = format!("it has {} bytes instead of {}", meta.size, bytes.len());
                        return Err(Error::Corrupt { key: key.clone(), why });
                    }
                    Err(e) => e,
                },
                Err(e) => e,
            };
            if !attempts.again(&error).await {
                return Err(error.into());
            }
        }
    }
}
