//! Deletions that are withheld, and how a person accepts them.
//!
//! When a large share of a kind's objects vanishes at once, their deletions are withheld: the saved objects stay as
//! they are until somebody says that the deletions are meant.

use bastion_core::{
    record::Withheld,
    repository::{CommitNotes, Head, WriterOptions},
    select::KindWord,
};

use crate::{error::Result, missing::Missing, reader::Reader, repo::Repo};

/// What was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcceptedDeletions {
    /// The deletions, by kind and policy.
    pub deletions: Vec<Withheld>,
    /// The end of the log now.
    pub head: Head,
}

impl Repo {
    /// Accepts the deletions of these kinds that `reader` shows as withheld; of all kinds if none is named. A running
    /// backup records them soon, or else the next one. `by` is who accepts them, for the log.
    pub async fn accept_deletions(&self, reader: &Reader, kinds: &[KindWord], by: &str) -> Result<AcceptedDeletions> {
        let meant = |w: &Withheld| kinds.is_empty() || kinds.iter().any(|word| word.matches(&w.kind));
        let deletions: Vec<_> = reader.withheld().into_iter().filter(meant).collect();
        if deletions.is_empty() {
            return Err(Missing::Deletions { cluster: reader.cluster().to_owned() }.into());
        }
        let notes = CommitNotes::default().acknowledgements(deletions.iter().map(|w| w.acknowledge(by)).collect());
        let options = WriterOptions::new(reader.snapshot().head().cluster_uid.clone(), "deletions");
        let mut writer = self.repository().writer(reader.cluster(), options).await?;
        let mut batch = writer.batch();
        let committed = writer.commit(&mut batch, &notes).await?;
        Ok(AcceptedDeletions { deletions, head: committed.head })
    }
}
