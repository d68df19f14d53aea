//! The files of one cluster against each other.
//!
//! They are read in the order of their dependence, newest pointers first: checkpoints, index files, log,
//! packs. Writers write the other way round, so what a file names exists by the time it is looked for.

use std::collections::BTreeMap;

use futures::TryStreamExt;

use super::{
    Verifier, VerifyReport,
    files::{self, CheckpointFacts, IndexFacts, PackFacts, SegmentFacts},
};
use crate::{error::Result, hash::Digest, repository::format::keys::ClusterKeys, store::Key, time::Timestamp};

/// The verification of one cluster.
pub(super) struct Walk<'a, 'v> {
    verifier: &'a Verifier<'v>,
    report: &'a mut VerifyReport,
    keys: ClusterKeys,
    /// Index files that checkpoints name, until they are seen.
    indexes: BTreeMap<Digest, Need>,
    /// Packs that checkpoints, index files and segments name, until they are seen.
    packs: BTreeMap<Digest, Need>,
    /// Segments whose digest is known from elsewhere, until they are seen.
    covered: BTreeMap<u64, (Digest, String)>,
    /// The last segment that something needs, and what does.
    last_needed: (u64, String),
}

/// A file that must exist.
struct Need {
    by: Key,
    size: Option<u64>,
    records: Option<u32>,
}

/// The end of the log so far.
#[derive(Default)]
struct Tail {
    number: u64,
    /// Unknown after a damaged or missing segment.
    digest: Option<Digest>,
    at: Timestamp,
}

impl<'a, 'v> Walk<'a, 'v> {
    pub(super) fn new(verifier: &'a Verifier<'v>, report: &'a mut VerifyReport, keys: ClusterKeys) -> Self {
        Self {
            verifier,
            report,
            keys,
            indexes: BTreeMap::new(),
            packs: BTreeMap::new(),
            covered: BTreeMap::new(),
            last_needed: (0, String::new()),
        }
    }

    /// Reads all; `head` is the end of the log as it is known from elsewhere.
    pub(super) async fn run(mut self, head: Option<(u64, Digest)>) -> Result<()> {
        if let Some((number, digest)) = head {
            self.cover(number, digest, "the expected end of the log".to_owned());
        }
        self.checkpoints().await?;
        self.index_files().await?;
        self.log().await?;
        self.pack_files().await?;
        for (name, need) in std::mem::take(&mut self.indexes) {
            self.problem(self.keys.index(&name), format!("it is missing; {} needs it", need.by));
        }
        for (name, need) in std::mem::take(&mut self.packs) {
            self.problem(self.keys.pack(&name), format!("it is missing; {} needs it", need.by));
        }
        Ok(())
    }

    async fn checkpoints(&mut self) -> Result<()> {
        let verifier = self.verifier;
        let mut files = verifier.scan(&self.keys.checkpoints(), files::checkpoint);
        // The one before in the listing is the next in number.
        let mut newer: Option<u64> = None;
        // Which checkpoint each continues: the newest one that its writer could read.
        let mut parents: BTreeMap<Digest, u64> = BTreeMap::new();
        let mut all_read = true;
        while let Some(file) = files.try_next().await? {
            let Some(k) = self.keys.checkpoint_number(&file.key) else {
                self.report.unknown += 1;
                continue;
            };
            verifier.count(self.report, &file);
            if let Some(next) = newer {
                all_read &= next == k + 1;
                self.missing_checkpoints(k + 1, next);
            }
            newer = Some(k);
            let Ok(CheckpointFacts { checkpoint, digest }) = file.outcome else {
                all_read = false;
                continue;
            };
            parents.remove(&digest);
            parents.extend(checkpoint.parent.map(|parent| (parent, k)));
            if checkpoint.number != k {
                self.problem(file.key.clone(), format!("it claims to be checkpoint {}", checkpoint.number));
            }
            self.belongs(&file.key, &checkpoint.common.cluster);
            self.cover(checkpoint.segment, checkpoint.segment_digest, file.key.to_string());
            for index in checkpoint.indexes {
                let need = Need { by: file.key.clone(), size: Some(index.size), records: None };
                self.indexes.entry(index.name).or_insert(need);
            }
            for pack in checkpoint.packs {
                let need = Need { by: file.key.clone(), size: Some(pack.size), records: None };
                self.packs.entry(pack.name).or_insert(need);
            }
            for run in checkpoint.segments {
                self.need_segment(run.last, &file.key);
            }
        }
        if let Some(oldest) = newer {
            all_read &= oldest == 1;
            self.missing_checkpoints(1, oldest);
        }
        // What is damaged or missing was named; the one that it was may be the parent.
        for (_, k) in parents.into_iter().filter(|_| all_read) {
            let why = "no earlier checkpoint is its parent".to_owned();
            self.problem(self.keys.checkpoint(k), why);
        }
        Ok(())
    }

    fn missing_checkpoints(&mut self, from: u64, to: u64) {
        if from < to {
            let more = if to - from > 1 { format!(", and so are {} more", to - from - 1) } else { String::new() };
            self.problem(self.keys.checkpoint(from), format!("it is missing{more}"));
        }
    }

    async fn index_files(&mut self) -> Result<()> {
        let (verifier, keys) = (self.verifier, self.keys.clone());
        let prefix = self.keys.indexes();
        let mut files = verifier.scan(&prefix, move |key, bytes| {
            // What is not an index file by its name is passed over below.
            keys.index_name(key).map(|name| files::index(key, bytes, name)).transpose()
        });
        while let Some(file) = files.try_next().await? {
            let Some(name) = self.keys.index_name(&file.key) else {
                self.report.unknown += 1;
                continue;
            };
            verifier.count(self.report, &file);
            let need = self.indexes.remove(&name);
            if need.is_none() {
                self.report.unreferenced += 1;
            }
            let Ok(Some(IndexFacts { cluster, reference, packs, last_body })) = file.outcome else { continue };
            self.belongs(&file.key, &cluster);
            if let Some(by) = need.filter(|n| n.size != Some(reference.size)).map(|n| n.by) {
                self.problem(file.key.clone(), format!("{by} records another size for it"));
            }
            self.need_segment(last_body, &file.key);
            for pack in packs {
                let need = Need { by: file.key.clone(), size: None, records: None };
                self.packs.entry(pack).or_insert(need);
            }
        }
        Ok(())
    }

    async fn log(&mut self) -> Result<()> {
        let (verifier, hasher) = (self.verifier, self.verifier.hasher.clone());
        let prefix = self.keys.log();
        let mut files = verifier.scan(&prefix, move |key, bytes| files::segment(key, bytes, &*hasher));
        let mut tail = Tail { digest: Some(Digest::default()), ..Tail::default() };
        while let Some(file) = files.try_next().await? {
            let Some(number) = self.keys.segment_number(&file.key) else {
                self.report.unknown += 1;
                continue;
            };
            verifier.count(self.report, &file);
            if number > tail.number + 1 {
                self.missing_segments(tail.number + 1, number, "the log continues after it");
                tail.digest = None;
            }
            tail.number = number;
            let known = self.covered.remove(&number);
            let Ok(facts) = file.outcome else {
                tail.digest = None;
                continue;
            };
            if let Some((digest, by)) = known
                && digest != facts.digest
            {
                self.problem(file.key.clone(), format!("it is not the segment that {by} refers to"));
            }
            self.segment(&file.key, &facts, &tail);
            tail = Tail { number, digest: Some(facts.digest), at: facts.header.at };
        }
        let (number, by) = std::mem::take(&mut self.last_needed);
        self.missing_segments(tail.number + 1, number.saturating_add(1), &format!("{by} needs it"));
        Ok(())
    }

    fn segment(&mut self, key: &Key, facts: &SegmentFacts, tail: &Tail) {
        let header = &facts.header;
        self.report.revisions += facts.records;
        self.belongs(key, &header.common.cluster);
        if header.number != tail.number {
            self.problem(key.clone(), format!("it claims to be segment {}", header.number));
        }
        if tail.digest.is_some_and(|d| d != header.previous) {
            self.problem(key.clone(), "it does not continue the previous segment".to_owned());
        }
        if header.at < tail.at {
            self.problem(key.clone(), format!("its time {} is before that of the previous segment", header.at));
        }
        for pack in &header.packs {
            self.report.revisions += u64::from(pack.records) - pack.dropped.len() as u64;
            let need = Need { by: key.clone(), size: Some(pack.size), records: Some(pack.records) };
            // The segment knows more of it than a checkpoint or an index file does.
            self.packs.insert(pack.name, need);
        }
    }

    fn missing_segments(&mut self, from: u64, to: u64, why: &str) {
        if from < to {
            let more = if to - from > 1 { format!(", and so are {} more", to - from - 1) } else { String::new() };
            self.problem(self.keys.segment(from), format!("it is missing{more}; {why}"));
        }
    }

    async fn pack_files(&mut self) -> Result<()> {
        let (verifier, keys, hasher) = (self.verifier, self.keys.clone(), self.verifier.hasher.clone());
        let prefix = self.keys.packs();
        let mut files = verifier.scan(&prefix, move |key, bytes| {
            keys.pack_name(key).map(|name| files::pack(key, bytes, name, &*hasher)).transpose()
        });
        while let Some(file) = files.try_next().await? {
            let Some(name) = self.keys.pack_name(&file.key) else {
                self.report.unknown += 1;
                continue;
            };
            verifier.count(self.report, &file);
            let need = self.packs.remove(&name);
            if need.is_none() {
                self.report.unreferenced += 1;
            }
            let Ok(Some(PackFacts { cluster, records, size })) = file.outcome else { continue };
            self.belongs(&file.key, &cluster);
            let Some(need) = need else { continue };
            if need.size.is_some_and(|s| s != size) || need.records.is_some_and(|r| r != records) {
                self.problem(file.key.clone(), format!("{} records another size for it", need.by));
            }
        }
        Ok(())
    }

    /// A file in the folder of another cluster is not what belongs there.
    fn belongs(&mut self, key: &Key, cluster: &str) {
        if ClusterKeys::new(cluster) != self.keys {
            self.problem(key.clone(), format!("it belongs to cluster {cluster:?}"));
        }
    }

    fn cover(&mut self, number: u64, digest: Digest, by: String) {
        if number > self.last_needed.0 {
            self.last_needed = (number, by.clone());
        }
        if number > 0 {
            self.covered.entry(number).or_insert((digest, by));
        }
    }

    fn need_segment(&mut self, number: u64, by: &Key) {
        if number > self.last_needed.0 {
            self.last_needed = (number, by.to_string());
        }
    }

    fn problem(&mut self, key: Key, why: String) {
        self.verifier.add(self.report, key, why);
    }
}
