//! A pack on its way into the store.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot};

use super::{
    commit::forget_extras,
    format::{self, Common, Contents, Pack},
    log::Log,
};
use crate::{
    error::{Error, Result},
    runtime::RuntimeExt,
};

/// How many packs of a batch are in memory for being uploaded.
pub(crate) const PARALLEL_UPLOADS: usize = 4;

/// A pack that was begun to be uploaded. Its records lost their extras: they are in the file.
pub(crate) struct Upload {
    pub(crate) pack: Pack,
    state: State,
}

enum State {
    /// A task does it and will say how it went; on failure it hands the bytes back.
    Running(oneshot::Receiver<Result<(), (Error, Bytes)>>),
    /// It failed; these bytes are to be sent again.
    Failed(Bytes),
    Done,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("pack", &self.pack.digest).finish_non_exhaustive()
    }
}

impl Upload {
    /// Makes a pack and starts its upload, after waiting until there is room for it in memory.
    pub(crate) async fn start(
        log: &Log,
        header: &Arc<Common>,
        contents: Contents,
        room: &Arc<Semaphore>,
    ) -> Result<Self> {
        let permit = room.clone().acquire_owned().await.map_err(|_| Error::Cancelled)?;
        let (header, keys) = (header.clone(), log.keys.clone());
        let made = log.runtime.offloaded(move || {
            let sealed = format::encode_pack(&header, &contents)?;
            // Read back before it is sent: whatever is wrong with it shows now, and it says where bodies lie.
            let mut pack = format::decode_pack(&keys.pack(&sealed.digest), &sealed.bytes)?;
            forget_extras(&mut pack.records);
            Ok::<_, Error>((sealed.bytes, pack))
        });
        let (bytes, pack) = made.await?;
        let (tx, rx) = oneshot::channel();
        let (log, key) = (log.clone(), log.keys.pack(&pack.digest));
        let runtime = log.runtime.clone();
        runtime.spawn(Box::pin(async move {
            let stored = log.store_named(&key, &bytes).await;
            drop(permit);
            // Nobody listens where the batch was dropped.
            let _ = tx.send(stored.map_err(|e| (e, bytes)));
        }));
        Ok(Self { pack, state: State::Running(rx) })
    }

    /// Waits until it is stored; sends it again where it failed before.
    pub(crate) async fn finish(&mut self, log: &Log) -> Result<()> {
        let key = log.keys.pack(&self.pack.digest);
        if let State::Running(rx) = &mut self.state {
            self.state = match rx.await {
                Ok(Ok(())) => State::Done,
                Ok(Err((error, bytes))) => {
                    self.state = State::Failed(bytes);
                    return Err(error);
                }
                // The task was stopped: the runtime is going down.
                Err(_) => return Err(Error::Cancelled),
            };
        }
        if let State::Failed(bytes) = &self.state {
            log.store_named(&key, bytes).await?;
            self.state = State::Done;
        }
        Ok(())
    }
}
