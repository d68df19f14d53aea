//! What of a batch goes into the log: a race that was lost may have made some of it old.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    batch::Batch,
    format::{Contents, Fate, PackRef, Record},
    index::Index,
    order,
};
use crate::{
    error::Result,
    hash::Digest,
    object::ObjectId,
    record::{Newest, Order, RevisionState},
};

/// Where a record of a batch is: in which pack (those come first in the log) or in the rest, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    Pack(usize, usize),
    Rest(usize),
}

/// Which records of a batch are news.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    by_object: BTreeMap<ObjectId, Vec<Spot>>,
    dropped: BTreeSet<Spot>,
    records: usize,
}

impl Plan {
    /// A plan for a finished batch; nothing is judged yet.
    pub(crate) fn of(batch: &Batch) -> Self {
        let mut plan = Self::default();
        for (p, upload) in batch.uploads.iter().enumerate() {
            for (i, record) in upload.pack.records.iter().enumerate() {
                plan.add(record, Spot::Pack(p, i));
            }
        }
        for (i, record) in batch.rest.records.iter().enumerate() {
            plan.add(record, Spot::Rest(i));
        }
        plan
    }

    fn add(&mut self, record: &Record, spot: Spot) {
        self.by_object.entry(record.id.clone()).or_default().push(spot);
        self.records += 1;
    }

    /// Judges all records against what the log has.
    pub(crate) async fn judge(&mut self, batch: &Batch, index: &Index, incarnation: u32) -> Result<()> {
        self.dropped.clear();
        if batch.incarnation < incarnation {
            // Observed in a life of etcd that is over: older than all that the log says now.
            self.dropped = self.by_object.values().flatten().copied().collect();
            return Ok(());
        }
        for (id, spots) in &self.by_object {
            judge_object(&mut self.dropped, batch, spots, index.newest(id).await?);
        }
        Ok(())
    }

    /// Judges the records of these objects anew.
    pub(crate) async fn judge_again(&mut self, batch: &Batch, index: &Index, ids: &[ObjectId]) -> Result<()> {
        for id in ids {
            let Some(spots) = self.by_object.get(id) else { continue };
            for spot in spots {
                self.dropped.remove(spot);
            }
            judge_object(&mut self.dropped, batch, spots, index.newest(id).await?);
        }
        Ok(())
    }

    /// How many records are news.
    pub(crate) fn kept(&self) -> usize {
        self.records - self.dropped.len()
    }

    /// The packs that have something new, with the numbers of the records that are not.
    pub(crate) fn packs(&self, batch: &Batch) -> Vec<(usize, PackRef)> {
        let refs = batch.uploads.iter().enumerate().filter_map(|(p, upload)| {
            let numbers = 0..upload.pack.records.len();
            let dropped: Vec<u32> = numbers
                .filter(|i| self.dropped.contains(&Spot::Pack(p, *i)))
                .filter_map(|i| u32::try_from(i).ok())
                .collect();
            let records = upload.pack.records.len();
            (dropped.len() < records).then(|| {
                let records = u32::try_from(records).unwrap_or(u32::MAX);
                (p, PackRef { name: upload.pack.digest, size: upload.pack.size, records, dropped })
            })
        });
        refs.collect()
    }

    /// What rides in the segment itself. Bodies of records that are no news stay in their blocks.
    pub(crate) fn rest(&self, batch: &Batch) -> Contents {
        let records = batch.rest.records.iter().enumerate();
        let news = records.filter(|(i, _)| !self.dropped.contains(&Spot::Rest(*i)));
        let records: Vec<Record> = news.map(|(_, r)| r.clone()).collect();
        let bodies = records.iter().any(|r| matches!(r.fate, Fate::Put { .. }));
        Contents { blocks: if bodies { batch.rest.blocks.clone() } else { Vec::new() }, records }
    }
}

fn judge_object(dropped: &mut BTreeSet<Spot>, batch: &Batch, spots: &[Spot], mut known: Option<Newest>) {
    for spot in spots {
        let ours = newest_of(batch, *spot);
        if order::is_news(known.as_ref(), &ours) {
            known = Some(ours);
        } else {
            dropped.insert(*spot);
        }
    }
}

fn newest_of(batch: &Batch, spot: Spot) -> Newest {
    let record = match spot {
        Spot::Pack(p, i) => &batch.uploads[p].pack.records[i],
        Spot::Rest(i) => &batch.rest.records[i],
    };
    let (state, digest) = match &record.fate {
        Fate::Put { digest, .. } => (RevisionState::Put, *digest),
        Fate::Deleted(_) => (RevisionState::Deleted, Digest::default()),
        Fate::Released => (RevisionState::Released, Digest::default()),
    };
    let order = Order { incarnation: batch.incarnation, resource_version: record.resource_version.clone() };
    Newest { order, state, digest, policy: record.policy.clone() }
}
