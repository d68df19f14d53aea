//! Rebuilding a view.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt};

use super::{Done, PARALLEL, Position, TreeView, ViewReport, files::folder_hash, show};
use crate::{
    error::Result,
    record::Revision,
    repository::{ObjectFilter, Snapshot},
    runtime::RuntimeExt,
};

impl TreeView {
    /// Writes every object as of the end of the log and removes everything else from the view.
    pub async fn rebuild(&mut self) -> Result<ViewReport> {
        self.check_writable()?;
        let snapshot = self.repository.snapshot(&self.cluster).await?;
        let head = snapshot.head();
        let mut report = ViewReport { head: head.number, ..ViewReport::default() };
        let mut position = Position { segment: head.number, digest: head.digest.to_string(), ..Position::default() };

        // Of each object 16 bytes are remembered, so that the rest can be told from it.
        let mut shown = BTreeSet::new();
        let this = &*self;
        let objects = snapshot.objects(ObjectFilter::default());
        let mut written = objects
            .inspect_ok(|revision| {
                let kind = revision.id.group_kind().to_string();
                position.versions.entry(kind).or_default().insert(revision.version.to_string());
                shown.insert(this.folder_hash(&revision.id, &revision.version));
            })
            .map(|revision| this.show(&snapshot, revision))
            .buffered(PARALLEL);
        while let Some(done) = written.try_next().await? {
            report.count(done);
        }
        drop(written);

        let mut listed = self.target.list(&self.folder(), None);
        let mut folders = BTreeSet::new();
        while let Some(meta) = listed.try_next().await? {
            if meta.key != self.position_key() && !shown.contains(&folder_hash(&meta.key)) {
                self.target.delete(&meta.key).await?;
                folders.insert(folder_hash(&meta.key));
            }
        }
        report.removed += folders.len() as u64;
        self.save(&position).await?;
        self.position = Some(position);
        Ok(report)
    }

    async fn show(&self, snapshot: &Snapshot, revision: Result<Revision>) -> Result<Done> {
        let revision = revision?;
        let body = snapshot.body(&revision).await?;
        let shown = self.repository.runtime().offloaded(move || show::object(revision, &body)).await;
        self.write(shown, &std::collections::BTreeMap::new()).await
    }
}
