//! Getting a commit into the log, against other writers and lost answers.

use std::{collections::HashMap, time::Duration};

use super::{
    Batch, CommitNotes, Committed, Writer,
    commit::Commit,
    format::{self, PackRef, SegmentHeader},
    load::Next,
    order,
    plan::Plan,
    race::Claim,
};
use crate::{
    error::{Error, Result},
    hash::Digest,
    object::ObjectId,
    record::Newest,
};

/// A writer that was silent for so long reads the log's end before it writes: a number that others read
/// and a sweep deleted meanwhile could be created again.
const SILENCE: Duration = Duration::from_mins(1);

/// Before the log's end is read because a number was neither ours nor anybody's.
const PAUSE: Duration = Duration::from_millis(100);

/// What a segment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// Changes and notes; without any there is none.
    Changes,
    /// The next epoch of our role.
    Epoch,
    /// The incarnation after this one, unless it began already.
    Incarnation { after: u32 },
}

/// A commit that was read, as far as whoever waits for his own must know.
pub(super) struct Read {
    digest: Digest,
    ids: Vec<ObjectId>,
    records: usize,
    bytes: u64,
    own: bool,
}

impl Committed {
    /// Counts earlier tries of ours whose answers were lost.
    fn count_own(&mut self, read: &[Read]) {
        for own in read.iter().filter(|r| r.own) {
            self.records += own.records;
            self.bytes += own.bytes;
        }
    }
}

impl Writer {
    /// Commits what of the batch and the notes is news. The batch was finished.
    pub(super) async fn land(&mut self, intent: Intent, batch: &Batch, notes: &CommitNotes) -> Result<Committed> {
        let mut done = Committed::default();
        self.check_fence()?;
        if self.is_silent() {
            done.count_own(&self.read_on().await?);
        }
        let mut plan = Plan::of(batch);
        plan.judge(batch, &self.index, self.state.head.incarnation).await?;
        loop {
            self.check_fence()?;
            let packs = plan.packs(batch);
            let refs = packs.iter().map(|(_, r)| r.clone()).collect();
            let Some(header) = self.header(intent, batch, notes, refs, plan.kept()) else { break };
            let (number, epoch) = (header.number, header.epoch);
            // At most 1 MiB and its records: some milliseconds.
            let sealed = format::encode_segment(&header, &plan.rest(batch))?;
            let key = self.log.keys.segment(number);
            let asked = self.log.runtime.uptime();
            match self.log.claim(&key, &sealed.bytes, Some(self.in_touch + SILENCE)).await? {
                Claim::Ours => {
                    let segment = self.log.decode_segment(number, sealed.bytes).await?;
                    let packs: Vec<_> = packs.iter().map(|(p, _)| batch.uploads[*p].pack.clone()).collect();
                    let commit = Commit::assemble(&segment, &packs);
                    done.records += commit.revisions.len();
                    done.bytes += commit.stored();
                    self.take_in(commit).await?;
                    self.in_touch = asked;
                    self.won(intent, epoch);
                    break;
                }
                Claim::Theirs(bytes) => {
                    let segment = self.log.decode_segment(number, bytes).await?;
                    let commit = self.log.with_packs(&segment).await?;
                    let read = self.take_in(commit).await?;
                    self.in_touch = asked;
                    self.check_fence()?;
                    done.count_own(std::slice::from_ref(&read));
                    self.judge_after(&mut plan, batch, &read.ids).await?;
                }
                Claim::Unsure => {
                    self.log.runtime.sleep(PAUSE).await;
                    let read = self.read_on().await?;
                    done.count_own(&read);
                    if read.iter().any(|r| r.own && r.digest == sealed.digest) {
                        self.won(intent, epoch);
                        break;
                    }
                    self.check_fence()?;
                    plan.judge(batch, &self.index, self.state.head.incarnation).await?;
                }
            }
        }
        done.stale = batch.len().saturating_sub(done.records);
        let seen = self.report();
        Ok(Committed { head: seen.head, foreign: seen.foreign, acknowledged: seen.acknowledged, ..done })
    }

    pub(super) fn is_silent(&self) -> bool {
        self.log.runtime.uptime().saturating_sub(self.in_touch) >= SILENCE
    }

    async fn judge_after(&self, plan: &mut Plan, batch: &Batch, ids: &[ObjectId]) -> Result<()> {
        let incarnation = self.state.head.incarnation;
        if batch.incarnation < incarnation {
            return plan.judge(batch, &self.index, incarnation).await;
        }
        plan.judge_again(batch, &self.index, ids).await
    }

    fn won(&mut self, intent: Intent, epoch: u64) {
        if intent == Intent::Epoch {
            self.epoch = epoch;
        }
    }

    /// The header of the next segment; `None` where there is nothing to say.
    fn header(
        &self,
        intent: Intent,
        batch: &Batch,
        notes: &CommitNotes,
        packs: Vec<PackRef>,
        records: usize,
    ) -> Option<SegmentHeader> {
        let head = &self.state.head;
        let current = batch.incarnation >= head.incarnation;
        let positions: Vec<_> = notes.positions.iter().filter(|p| current && self.state.moves(p)).cloned().collect();
        let withheld: Vec<_> = notes.withheld.iter().filter(|w| self.state.changes_withheld(w)).cloned().collect();
        let accepted: Vec<_> =
            notes.acknowledgements.iter().filter(|a| !self.state.accepted.contains(a)).cloned().collect();
        let (mut epoch, mut incarnation) = (self.epoch, head.incarnation.max(1));
        match intent {
            Intent::Changes => {
                let quiet = positions.is_empty() && withheld.is_empty() && accepted.is_empty();
                if records == 0 && quiet {
                    return None;
                }
            }
            Intent::Epoch => epoch = self.state.epochs.get(&self.role).copied().unwrap_or_default() + 1,
            // Only this cluster's next incarnation makes ours needless: an adoption begins its own after whatever the
            // other cluster began meanwhile.
            Intent::Incarnation { after }
                if head.incarnation > after && head.cluster_uid == self.options.cluster_uid =>
            {
                return None;
            }
            Intent::Incarnation { after } => incarnation = head.incarnation.max(after).max(1) + 1,
        }
        // Before an adoption begins its incarnation, the log is still the other cluster's.
        let adopting = intent == Intent::Epoch && head.number > 0;
        let uid = if adopting { &head.cluster_uid } else { &self.options.cluster_uid };
        Some(SegmentHeader {
            common: self.common(uid),
            number: head.number + 1,
            role: self.role.clone(),
            epoch,
            incarnation,
            at: self.log.runtime.now().max(head.at),
            previous: head.digest,
            positions,
            withheld,
            accepted,
            packs,
        })
    }

    /// Takes the next commit of the log into state and index.
    async fn take_in(&mut self, commit: Commit) -> Result<Read> {
        let own = commit.header.common.writer == self.id;
        let uid = &*commit.header.common.cluster_uid;
        if uid != self.options.cluster_uid && uid != self.state.head.cluster_uid {
            return Err(self.wrong_cluster(uid));
        }
        let mut newest: Vec<(ObjectId, Newest)> = Vec::new();
        let mut at = HashMap::new();
        for revision in &commit.revisions {
            let ours = order::newest_of(revision);
            if let Some(i) = at.get(&revision.id) {
                let known: &mut (ObjectId, Newest) = &mut newest[*i];
                if order::replaces(Some(&known.1), &ours) {
                    known.1 = ours;
                }
            } else if order::replaces(self.index.newest(&revision.id).await?.as_ref(), &ours) {
                at.insert(revision.id.clone(), newest.len());
                newest.push((revision.id.clone(), ours));
            }
        }
        self.state.apply(&self.log.keys.segment(commit.header.number), &commit)?;
        let ids: Vec<ObjectId> = newest.iter().map(|(id, _)| id.clone()).collect();
        if !own {
            self.unreported.foreign.extend(ids.iter().cloned());
            self.unreported.accepted.extend(commit.header.accepted.iter().cloned());
        }
        let read = Read { digest: commit.digest, ids, records: commit.revisions.len(), bytes: commit.stored(), own };
        self.index.apply(commit, &newest);
        Ok(read)
    }

    /// Reads the log's end. What was swept beneath us is read from the newest checkpoint.
    async fn read_commits(&mut self) -> Result<Vec<Read>> {
        let asked = self.log.runtime.uptime();
        let mut reads = Vec::new();
        // Whether a checkpoint is known to cover more than we have read.
        let mut beyond = false;
        loop {
            match self.log.after(self.state.head.number).await? {
                Next::Commits(commits) if !(beyond && commits.is_empty()) => {
                    for commit in commits {
                        reads.push(self.take_in(commit).await?);
                    }
                    beyond = self.take_theirs().await?;
                    if !beyond {
                        break;
                    }
                }
                Next::Gap(_) | Next::Commits(_) => {
                    self.reload().await?;
                    break;
                }
            }
        }
        self.in_touch = asked;
        Ok(reads)
    }

    pub(super) async fn read_on(&mut self) -> Result<Vec<Read>> {
        let reads = self.read_commits().await?;
        if let Some(theirs) = self.higher_epoch() {
            self.fenced_by = Some(theirs);
        }
        Ok(reads)
    }

    /// Forgets everything for what the newest checkpoint says. Whose objects changed meanwhile it does not
    /// say; the words of people that still stand it does.
    async fn reload(&mut self) -> Result<()> {
        let loaded = self.log.load().await?;
        let uid = &loaded.state.head.cluster_uid;
        if *uid != self.options.cluster_uid {
            return Err(self.wrong_cluster(uid));
        }
        let words = loaded.state.accepted.iter().filter(|a| !self.state.accepted.contains(a));
        self.unreported.accepted.extend(words.cloned());
        self.index.replace(&loaded);
        self.state = loaded.state;
        self.base = loaded.base;
        self.checkpoints = loaded.checkpoints;
        self.index.prefill(self.options.index_capacity).await
    }

    fn wrong_cluster(&self, logged: &str) -> Error {
        Error::WrongCluster {
            name: self.log.cluster.to_string(),
            logged: logged.to_owned(),
            actual: self.options.cluster_uid.clone(),
        }
    }

    fn higher_epoch(&self) -> Option<u64> {
        let theirs = self.state.epochs.get(&self.role).copied().unwrap_or_default();
        (self.epoch > 0 && theirs > self.epoch).then_some(theirs)
    }

    /// Stops for good where another writer has taken our role over.
    pub(super) fn check_fence(&mut self) -> Result<()> {
        self.fenced_by = self.fenced_by.or(self.higher_epoch());
        match self.fenced_by {
            Some(theirs) => Err(Error::Fenced { role: self.role.to_string(), ours: self.epoch, theirs }),
            None => Ok(()),
        }
    }

    /// What other writers did since the last report.
    pub(super) fn report(&mut self) -> Committed {
        let seen = std::mem::take(&mut self.unreported);
        let mut foreign = seen.foreign;
        foreign.sort();
        foreign.dedup();
        Committed { head: self.state.head.clone(), foreign, acknowledged: seen.accepted, ..Committed::default() }
    }
}
