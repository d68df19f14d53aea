//! The writer of the log, asked again for as long as that may help.

use std::{sync::Arc, time::Duration};

use crate::{
    error::{Error, Failure, Result, Retry, chain},
    pipeline::{retry::Retrier, stats::Stats},
    repository::{Batch, CommitNotes, Committed, Head, Writer},
};

/// A storage that is away is shown as an error after this long, and asked again.
const SHOWN_AFTER: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Committer {
    pub(super) writer: Writer,
    retrier: Retrier,
    stats: Arc<Stats>,
}

impl Committer {
    pub(super) fn new(writer: Writer, retrier: Retrier, stats: Arc<Stats>) -> Self {
        Self { writer, retrier, stats }
    }

    /// The writer's own patience: short while this one asks again and shows why, its own where somebody waits
    /// for the end of the run.
    pub(super) fn limit_patience(&self) {
        self.writer.limit_patience((!self.retrier.is_one_shot()).then_some(SHOWN_AFTER));
    }

    pub(super) async fn commit(&mut self, batch: &mut Batch, notes: &CommitNotes) -> Result<Committed> {
        let mut backoff = Retrier::backoff();
        loop {
            match self.writer.commit(batch, notes).await {
                Ok(committed) => {
                    self.stats.engine.set_error(None);
                    return Ok(committed);
                }
                Err(error) => {
                    self.show(&error);
                    // What ends the run is said by who ran it.
                    let again = |error: &Error| tracing::warn!(error = chain(error), "a commit failed; trying again");
                    self.retrier.wait(error, &mut backoff, again).await?;
                }
            }
        }
    }

    /// Reads what others wrote, and whether another took over. `None` where that failed: nothing waits for it,
    /// so the next look is the next try.
    pub(super) async fn catch_up(&mut self) -> Result<Option<Committed>> {
        match self.writer.catch_up().await {
            Ok(committed) => {
                self.stats.engine.set_error(None);
                Ok(Some(committed))
            }
            Err(error) => {
                self.show(&error);
                if error.retry() == Retry::Never {
                    return Err(error);
                }
                tracing::warn!(error = chain(&error), "could not read the end of the log; retrying");
                Ok(None)
            }
        }
    }

    pub(super) async fn begin_incarnation(&mut self) -> Result<Head> {
        let mut backoff = Retrier::backoff();
        loop {
            match self.writer.begin_incarnation().await {
                Ok(head) => return Ok(head),
                Err(error) => {
                    self.show(&error);
                    self.retrier.wait(error, &mut backoff, |_| ()).await?;
                }
            }
        }
    }

    fn show(&self, error: &Error) {
        self.stats.engine.set_error(Some(Failure::from(error)));
    }
}
